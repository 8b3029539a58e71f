"""Matrix products in CUDA C++; the text follows the prelude of `jitrt.codegen.cuda_prelude`.

The kernels compute C = A @ B for `batch` pairs of matrices A[m,k], B[k,n]. Operands are given by strides in
elements, so transposed, sliced and broadcast (stride 0) ones need no copy. A block computes one tile of C from
tiles of A and B in shared memory; elements beyond the edges are read as zero and never written.
"""

from __future__ import annotations

from dataclasses import dataclass

THREADS = 256

MATMUL = r"""
struct Matrices {
    i64 m, n, k, batch;
    i64 a_batch, a_row, a_column, b_batch, b_row, b_column, c_batch, c_row, c_column;
};

// A thread's elements of a ROWS x COLUMNS tile, THREADS apart, running along the dimension of stride 1.
template <int ROWS, int COLUMNS> struct Share {
    static constexpr i32 count = ROWS * COLUMNS / 256;
    static __device__ i32 row(i32 i, bool transposed) {
        const i32 element = i * 256 + threadIdx.x;
        return transposed ? element % ROWS : element / COLUMNS;
    }
    static __device__ i32 column(i32 i, bool transposed) {
        const i32 element = i * 256 + threadIdx.x;
        return transposed ? element / ROWS : element % COLUMNS;
    }
    template <class In, class T>
    static __device__ void load(T (&share)[count], const In* x, i64 row_stride, i64 column_stride,
                                i64 first_row, i64 first_column, i64 rows, i64 columns) {
        #pragma unroll
        for (i32 i = 0; i < count; i++) {
            const i64 r = first_row + row(i, row_stride == 1), c = first_column + column(i, row_stride == 1);
            share[i] = r < rows && c < columns ? T(x[r * row_stride + c * column_stride]) : T{};
        }
    }
};

static __device__ f32 multiply_add(f32 a, f32 b, f32 c) { return fmaf(a, b, c); }
static __device__ f64 multiply_add(f64 a, f64 b, f64 c) { return fma(a, b, c); }
template <class T> static __device__ T multiply_add(T a, T b, T c) { return wrap_add(wrap_mul(a, b), c); }

// A thread computes ROWS x COLUMNS elements of an M x N tile of C, in groups of four neighbours.
template <int M, int N, int K, int ROWS, int COLUMNS, class In, class T>
static __device__ void matmul_tiles(const In* a, const In* b, T* c, const Matrices& s) {
    constexpr i32 across = N / COLUMNS, down = M / ROWS;
    static_assert(across * down == 256, "a thread for every block of the tile");
    __shared__ alignas(16) T a_tile[K][M + 4];
    __shared__ alignas(16) T b_tile[K][N + 4];
    using ShareA = Share<M, K>;
    using ShareB = Share<K, N>;
    const bool a_transposed = s.a_row == 1, b_transposed = s.b_row == 1;
    const i64 first_row = (i64)blockIdx.x * M, first_column = (i64)blockIdx.y * N;
    const i32 top = threadIdx.x / across * 4, left = threadIdx.x % across * 4;
    for (i64 z = blockIdx.z; z < s.batch; z += gridDim.z) {
        T sum[ROWS][COLUMNS] = {};
        T a_next[ShareA::count], b_next[ShareB::count];
        const auto fetch = [&](i64 k) {
            ShareA::load(a_next, a + z * s.a_batch, s.a_row, s.a_column, first_row, k, s.m, s.k);
            ShareB::load(b_next, b + z * s.b_batch, s.b_row, s.b_column, k, first_column, s.k, s.n);
        };
        fetch(0);
        for (i64 k = 0; k < s.k; k += K) {
            #pragma unroll
            for (i32 i = 0; i < ShareA::count; i++)
                a_tile[ShareA::column(i, a_transposed)][ShareA::row(i, a_transposed)] = a_next[i];
            #pragma unroll
            for (i32 i = 0; i < ShareB::count; i++)
                b_tile[ShareB::row(i, b_transposed)][ShareB::column(i, b_transposed)] = b_next[i];
            __syncthreads();
            fetch(k + K);  // the next tiles travel while these are multiplied
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
                if (row < s.m && column < s.n) c[z * s.c_batch + row * s.c_row + column * s.c_column] = sum[i][j];
            }
    }
}
"""

# d += a @ b on a warp's tensor core: a is 16x16, b is 16x8, d is 16x8 in float32. Lane 4g+t holds
# a[g,2t..] a[g+8,2t..] a[g,2t+8..] a[g+8,2t+8..], b[2t..,g] b[2t+8..,g], d[g,2t..] d[g+8,2t..], each two elements.
# https://docs.nvidia.com/cuda/parallel-thread-execution/#warp-level-matrix-fragment-mma-16816-float
MMA = r"""
#ifdef __CUDACC__
static __device__ void mma(f32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], f16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
static __device__ void mma(f32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], bf16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
static __device__ void narrow(f16& y, f32 x) { y = to_f16(x); }
static __device__ void narrow(bf16& y, f32 x) { y = to_bf16(x); }

// Eight warps, two down and four across; each computes M/2 x N/4 elements of the M x N tile of C.
template <int M, int N, class T> static __device__ void matmul_mma(const T* a, const T* b, T* c, const Matrices& s) {
    constexpr i32 K = 32, stride = K + 8;  // 80 bytes: the eight rows that a warp reads start in different banks
    constexpr i32 tiles_m = M / 32, tiles_n = N / 32;
    __shared__ alignas(16) T a_tile[M * stride];
    __shared__ alignas(16) T b_tile[N * stride];  // transposed: k runs along a row
    using ShareA = Share<M, K>;
    using ShareB = Share<K, N>;
    const bool a_transposed = s.a_row == 1, b_transposed = s.b_row == 1;
    const i64 first_row = (i64)blockIdx.x * M, first_column = (i64)blockIdx.y * N;
    const i32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const i32 top = warp / 4 * (M / 2) + g, left = warp % 4 * (N / 4);
    const auto pair = [](const T* x) { return *(const u32*)x; };
    for (i64 z = blockIdx.z; z < s.batch; z += gridDim.z) {
        f32 sum[tiles_m][tiles_n][4] = {};
        T a_next[ShareA::count], b_next[ShareB::count];
        const auto fetch = [&](i64 k) {
            ShareA::load(a_next, a + z * s.a_batch, s.a_row, s.a_column, first_row, k, s.m, s.k);
            ShareB::load(b_next, b + z * s.b_batch, s.b_row, s.b_column, k, first_column, s.k, s.n);
        };
        fetch(0);
        for (i64 k = 0; k < s.k; k += K) {
            #pragma unroll
            for (i32 i = 0; i < ShareA::count; i++)
                a_tile[ShareA::row(i, a_transposed) * stride + ShareA::column(i, a_transposed)] = a_next[i];
            #pragma unroll
            for (i32 i = 0; i < ShareB::count; i++)
                b_tile[ShareB::column(i, b_transposed) * stride + ShareB::row(i, b_transposed)] = b_next[i];
            __syncthreads();
            fetch(k + K);
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
                    const u32 x[4] = {pair(row), pair(row + 8 * stride), pair(row + 8), pair(row + 8 * stride + 8)};
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
extern "C" __global__ void __launch_bounds__(256) {name}(const {T}* a, const {T}* b, {R}* c,
        i64 m, i64 n, i64 k, i64 batch, i64 a_batch, i64 a_row, i64 a_column,
        i64 b_batch, i64 b_row, i64 b_column, i64 c_batch, i64 c_row, i64 c_column) {{
    {body}(a, b, c, {{m, n, k, batch, a_batch, a_row, a_column, b_batch, b_row, b_column, c_batch, c_row, c_column}});
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
    large = -(-m // 128) * -(-n // 128) * batch >= processors
    size = 128 if large and element != "f64" else 64
    result = "i32" if element in ("i8", "u8") else element
    if element in ("f16", "bf16"):
        body, text = f"matmul_mma<{size}, {size}>", MATMUL + MMA
    else:
        per_thread, depth = size // 16, 8 if result in ("i64", "u64") or size == 128 else 16
        body, text = f"matmul_tiles<{size}, {size}, {depth}, {per_thread}, {per_thread}>", MATMUL
    name = f"matmul_{element}_{size}"
    return MatMulKernel(name, text + ENTRY.format(name=name, T=element, R=result, body=body), (size, size))
