"""Matrix products in CUDA C++; the text follows the prelude of `jitrt.codegen.cuda_prelude`.

The kernels compute C = A @ B for `batch` pairs of matrices A[m,k], B[k,n]. Operands are given by strides
in elements, so transposed, sliced and broadcast (stride 0) ones need no copy. A block computes one tile of C
from tiles of A and B in shared memory; elements beyond the edges are read as zero and never written.
"""

from __future__ import annotations

from dataclasses import dataclass

MATMUL = r"""
struct Matrices {
    i64 m, n, k, batch;
    i64 a_batch, a_row, a_column, b_batch, b_row, b_column, c_batch, c_row, c_column;
};

// A thread's elements of the ROWS x COLUMNS tile that moves over a matrix: every 256th element of the tile,
// counted along the dimension in which neighbours lie side by side.
template <class In, int ROWS, int COLUMNS> struct Tile {
    static constexpr i32 count = ROWS * COLUMNS / 256;
    static_assert(256 % ROWS == 0 && 256 % COLUMNS == 0, "a thread's elements lie in one row or column");
    const In* at;
    i64 step, row_stride, column_stride;
    i32 row, column, row_step, column_step, rows_left, columns_left;

    __device__ Tile(const In* x, i64 row_stride, i64 column_stride, i64 first_row, i64 first_column, i64 rows,
                    i64 columns)
        : row_stride(row_stride), column_stride(column_stride) {
        const bool down = row_stride == 1;
        row = down ? threadIdx.x % ROWS : threadIdx.x / COLUMNS;
        column = down ? threadIdx.x / ROWS : threadIdx.x % COLUMNS;
        row_step = down ? 0 : 256 / COLUMNS;
        column_step = down ? 256 / ROWS : 0;
        at = x + (first_row + row) * row_stride + (first_column + column) * column_stride;
        step = row_step * row_stride + column_step * column_stride;
        rows_left = rows - first_row - row;
        columns_left = columns - first_column - column;
    }
    template <class T> __device__ void load(T (&values)[count]) const {
        #pragma unroll
        for (i32 i = 0; i < count; i++) {
            const bool inside = i * row_step < rows_left && i * column_step < columns_left;
            values[i] = inside ? T(at[i * step]) : T{};
        }
    }
    template <class T>
    __device__ void store(const T (&values)[count], T* tile, i32 row_pitch, i32 column_pitch) const {
        tile += row * row_pitch + column * column_pitch;
        const i32 pitch = row_step * row_pitch + column_step * column_pitch;
        #pragma unroll
        for (i32 i = 0; i < count; i++) tile[i * pitch] = values[i];
    }
    __device__ void move_right() { at += COLUMNS * column_stride, columns_left -= COLUMNS; }
    __device__ void move_down() { at += ROWS * row_stride, rows_left -= ROWS; }
};

inline __device__ f32 multiply_add(f32 a, f32 b, f32 c) { return fmaf(a, b, c); }
inline __device__ f64 multiply_add(f64 a, f64 b, f64 c) { return fma(a, b, c); }
template <class T> __device__ T multiply_add(T a, T b, T c) { return wrap_add(wrap_mul(a, b), c); }

// A thread computes ROWS x COLUMNS elements of an M x N tile of C, in groups of four neighbours.
template <int M, int N, int K, int ROWS, int COLUMNS, class In, class T>
__device__ void matmul_tiles(const In* a, const In* b, T* c, const Matrices& s) {
    constexpr i32 across = N / COLUMNS, down = M / ROWS;
    static_assert(across * down == 256, "a thread for every block of the tile");
    alignas(16) __shared__ T a_tile[K][M + 4];
    alignas(16) __shared__ T b_tile[K][N + 4];
    const i64 first_row = (i64)blockIdx.x * M, first_column = (i64)blockIdx.y * N;
    const i32 top = threadIdx.x / across * 4, left = threadIdx.x % across * 4;
    for (i64 z = blockIdx.z; z < s.batch; z += gridDim.z) {
        Tile<In, M, K> a_source(a + z * s.a_batch, s.a_row, s.a_column, first_row, 0, s.m, s.k);
        Tile<In, K, N> b_source(b + z * s.b_batch, s.b_row, s.b_column, 0, first_column, s.k, s.n);
        T sum[ROWS][COLUMNS] = {};
        T a_next[a_source.count], b_next[b_source.count];
        a_source.load(a_next), b_source.load(b_next);
        for (i64 k = 0; k < s.k; k += K) {
            a_source.store(a_next, &a_tile[0][0], 1, M + 4);
            b_source.store(b_next, &b_tile[0][0], N + 4, 1);
            __syncthreads();
            // The next tiles travel while these are multiplied.
            a_source.move_right(), b_source.move_down();
            a_source.load(a_next), b_source.load(b_next);
            #pragma unroll
            for (i32 p = 0; p < K; p++) {
                T x[ROWS], y[COLUMNS];
                #pragma unroll
                for (i32 i = 0; i < ROWS; i++) x[i] = a_tile[p][i / 4 * down * 4 + top + i % 4];
                #pragma unroll
                for (i32 j = 0; j < COLUMNS; j++) y[j] = b_tile[p][j / 4 * across * 4 + left + j % 4];
                #pragma unroll
                for (i32 i = 0; i < ROWS; i++)
                    #pragma unroll
                    for (i32 j = 0; j < COLUMNS; j++) sum[i][j] = multiply_add(x[i], y[j], sum[i][j]);
            }
            __syncthreads();
        }
        #pragma unroll
        for (i32 i = 0; i < ROWS; i++)
            #pragma unroll
            for (i32 j = 0; j < COLUMNS; j++) {
                const i64 row = first_row + i / 4 * down * 4 + top + i % 4;
                const i64 column = first_column + j / 4 * across * 4 + left + j % 4;
                if (row < s.m && column < s.n)
                    c[z * s.c_batch + row * s.c_row + column * s.c_column] = sum[i][j];
            }
    }
}
"""

# d += a @ b on a warp's tensor core: a is 16x16, b is 16x8, d is 16x8 in float32. Lane 4g+t holds pairs of
# neighbours: a[g,2t] a[g+8,2t] a[g,2t+8] a[g+8,2t+8] along rows, b[2t,g] b[2t+8,g] along columns, and
# d[g,2t] d[g+8,2t] along rows.
# https://docs.nvidia.com/cuda/parallel-thread-execution/#warp-level-matrix-fragment-mma-16816-float
MMA = r"""
#ifdef __CUDACC__
inline __device__ void mma(f32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], f16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
inline __device__ void mma(f32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], bf16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
inline __device__ void narrow(f16& y, f32 x) { y = to_f16(x); }
inline __device__ void narrow(bf16& y, f32 x) { y = to_bf16(x); }

// Eight warps, two down and four across; each computes M/2 x N/4 elements of the M x N tile of C.
template <int M, int N, class T>
__device__ void matmul_mma(const T* a, const T* b, T* c, const Matrices& s) {
    constexpr i32 K = 32, stride = K + 8;  // 80 bytes: the rows that a warp reads start in different banks
    constexpr i32 tiles_m = M / 32, tiles_n = N / 32;
    alignas(16) __shared__ T a_tile[M * stride];
    alignas(16) __shared__ T b_tile[N * stride];  // transposed: k runs along a row
    const i64 first_row = (i64)blockIdx.x * M, first_column = (i64)blockIdx.y * N;
    const i32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const i32 top = warp / 4 * (M / 2) + g, left = warp % 4 * (N / 4);
    const auto pair = [](const T* x) { return *(const u32*)x; };
    for (i64 z = blockIdx.z; z < s.batch; z += gridDim.z) {
        Tile<T, M, K> a_source(a + z * s.a_batch, s.a_row, s.a_column, first_row, 0, s.m, s.k);
        Tile<T, K, N> b_source(b + z * s.b_batch, s.b_row, s.b_column, 0, first_column, s.k, s.n);
        f32 sum[tiles_m][tiles_n][4] = {};
        T a_next[a_source.count], b_next[b_source.count];
        a_source.load(a_next), b_source.load(b_next);
        for (i64 k = 0; k < s.k; k += K) {
            a_source.store(a_next, a_tile, stride, 1);
            b_source.store(b_next, b_tile, 1, stride);
            __syncthreads();
            a_source.move_right(), b_source.move_down();
            a_source.load(a_next), b_source.load(b_next);
            #pragma unroll
            for (i32 p = 0; p < K; p += 16) {
                u32 y[tiles_n][2];
                #pragma unroll
                for (i32 j = 0; j < tiles_n; j++) {
                    const T* column = b_tile + (left + j * 8 + g) * stride + p + 2 * t;
                    y[j][0] = pair(column), y[j][1] = pair(column + 8);
                }
                #pragma unroll
                for (i32 i = 0; i < tiles_m; i++) {
                    const T* row = a_tile + (top + i * 16) * stride + p + 2 * t;
                    const T* lower = row + 8 * stride;
                    const u32 x[4] = {pair(row), pair(lower), pair(row + 8), pair(lower + 8)};
                    #pragma unroll
                    for (i32 j = 0; j < tiles_n; j++) mma(sum[i][j], x, y[j], T{});
                }
            }
            __syncthreads();
        }
        #pragma unroll
        for (i32 i = 0; i < tiles_m; i++)
            #pragma unroll
            for (i32 j = 0; j < tiles_n; j++)
                #pragma unroll
                for (i32 e = 0; e < 4; e++) {
                    const i64 row = first_row + top + i * 16 + e / 2 * 8;
                    const i64 column = first_column + left + j * 8 + 2 * t + e % 2;
                    if (row < s.m && column < s.n)
                        narrow(c[z * s.c_batch + row * s.c_row + column * s.c_column], sum[i][j][e]);
                }
    }
}
"""

ENTRY = r"""
extern "C" __global__ void __launch_bounds__(256, 1) {name}(
        const {T}* a, const {T}* b, {R}* c, i64 m, i64 n, i64 k, i64 batch,
        i64 a_batch, i64 a_row, i64 a_column, i64 b_batch, i64 b_row, i64 b_column,
        i64 c_batch, i64 c_row, i64 c_column) {{
    const Matrices matrices = {{m, n, k, batch, a_batch, a_row, a_column, b_batch, b_row, b_column,
                               c_batch, c_row, c_column}};
    {body}(a, b, c, matrices);
}}
"""


@dataclass(frozen=True)
class MatMulKernel:
    """CUDA C++ of one matrix product and how to launch it.

    The arguments are the addresses of A, B and C, then m, n, k, batch and the nine strides (batch, row,
    column of A, B, C), all int64. A block has 256 threads; `tile` is the rows and columns it computes.
    """

    name: str
    source: str
    tile: tuple[int, int]

    def grid(self, m: int, n: int, batch: int) -> tuple[int, int, int]:
        """Blocks along x (rows), y (columns) and z (batch) for a product of this size."""
        rows, columns = self.tile
        return -(-m // rows), -(-n // columns), min(batch, 65535)


def matmul_kernel(element: str, m: int, n: int, batch: int = 1, processors: int = 132) -> MatMulKernel:
    """The kernel for elements named `f32`, `f16`, `bf16`, `f64`, `i32`..., or `i8` and `u8` summed in i32.

    Large tiles reuse more; small ones are taken where large tiles would leave some of the GPU's
    `processors` idle.
    """
    blocks = -(-m // 128) * -(-n // 128) * batch
    size = 128 if blocks >= processors and element not in ("f64", "i64", "u64") else 64
    result = "i32" if element in ("i8", "u8") else element
    if element in ("f16", "bf16"):
        body, text = f"matmul_mma<{size}, {size}>", MATMUL + MMA
    else:
        depth, per_thread = 1024 // size, size // 16
        body, text = f"matmul_tiles<{size}, {size}, {depth}, {per_thread}, {per_thread}>", MATMUL
    name = f"matmul_{element}_{size}"
    entry = ENTRY.format(name=name, T=element, R=result, body=body)
    return MatMulKernel(name, f"namespace {name}_kernel {{\n{text}{entry}}}\n", (size, size))
