"""The CUDA C++ that every generated kernel starts with: type names, conversions, and arithmetic made total.

No header is included, so NVRTC needs no include path. Under `#ifdef __CUDACC__` stands the only inline
assembly; the g++ emulation of the tests brings those functions along itself.
"""

PRELUDE = r"""
typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
struct f16 { u16 bits; };
struct bf16 { u16 bits; };

#ifdef __CUDACC__
inline __device__ f32 widen(f16 x) {
    f32 y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}
inline __device__ f16 to_f16(f32 x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
inline __device__ f16 to_f16(f64 x) {
    f16 y;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y.bits) : "d"(x));
    return y;
}
inline __device__ bf16 to_bf16(f32 x) {
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
#endif
inline __device__ f32 widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <class To, class From> __device__ To bitcast(From x) {
    static_assert(sizeof(To) == sizeof(From), "a bitcast keeps the width");
    union { From from; To to; } u = {x};
    return u.to;
}

// Integers wrap around; the sum of the zero-extended or sign-extended operands has the right low bits.
template <class T> __device__ T wrap_add(T a, T b) { return (T)((u64)a + (u64)b); }
template <class T> __device__ T wrap_sub(T a, T b) { return (T)((u64)a - (u64)b); }
template <class T> __device__ T wrap_mul(T a, T b) { return (T)((u64)a * (u64)b); }
template <class T> __device__ T wrap_neg(T a) { return (T)(0 - (u64)a); }
template <class T> __device__ T wrap_abs(T a) { return a < (T)0 ? wrap_neg(a) : a; }

// x / 0 and x % 0 are 0; the smallest integer divided by -1 wraps around to itself.
template <class T> __device__ T quotient(T a, T b) {
    if (b == (T)0) return (T)0;
    return (T)-1 < (T)0 && b == (T)-1 ? wrap_neg(a) : (T)(a / b);
}
template <class T> __device__ T remainder_of(T a, T b) {
    return b == (T)0 || ((T)-1 < (T)0 && b == (T)-1) ? (T)0 : (T)(a % b);
}

// A shift by the width or more, or by a negative count, leaves 0; to the right, the sign.
template <class T> __device__ T shift_left(T a, T n) {
    return (u64)n < 8 * sizeof(T) ? (T)((u64)a << n) : (T)0;
}
template <class T> __device__ T shift_right(T a, T n) {
    return (u64)n < 8 * sizeof(T) ? (T)(a >> n) : a < (T)0 ? (T)-1 : (T)0;
}

template <class T> __device__ T integer_power(T a, T n) {
    if (n < (T)0) return a == (T)1 ? a : a == (T)-1 ? (n & 1 ? a : (T)1) : (T)0;
    T power = (T)1;
    for (; n != (T)0; n >>= 1, a = wrap_mul(a, a))
        if (n & 1) power = wrap_mul(power, a);
    return power;
}

// IEEE 754-2019 maximum and minimum: NaN if either is NaN.
template <class T> __device__ T maximum(T a, T b) { return a > b ? a : b; }
template <class T> __device__ T minimum(T a, T b) { return a < b ? a : b; }
template <> inline __device__ f32 maximum<f32>(f32 a, f32 b) { return a != a ? a : b != b ? b : fmaxf(a, b); }
template <> inline __device__ f32 minimum<f32>(f32 a, f32 b) { return a != a ? a : b != b ? b : fminf(a, b); }
template <> inline __device__ f64 maximum<f64>(f64 a, f64 b) { return a != a ? a : b != b ? b : fmax(a, b); }
template <> inline __device__ f64 minimum<f64>(f64 a, f64 b) { return a != a ? a : b != b ? b : fmin(a, b); }

// What x86 converts: truncated, and the smallest integer for NaN and for what does not fit.
inline __device__ i32 to_i32(f32 x) { return x >= -0x1p31f && x < 0x1p31f ? (i32)x : (i32)0x80000000; }
inline __device__ i32 to_i32(f64 x) { return x > -0x1.00000002p31 && x < 0x1p31 ? (i32)x : (i32)0x80000000; }
inline __device__ i64 to_i64(f32 x) { return x >= -0x1p63f && x < 0x1p63f ? (i64)x : (i64)(1ull << 63); }
inline __device__ i64 to_i64(f64 x) { return x >= -0x1p63 && x < 0x1p63 ? (i64)x : (i64)(1ull << 63); }
template <class T> __device__ u64 to_u64(T x) {
    const T half = (T)9223372036854775808ull;
    return x < half ? (u64)to_i64(x) : (u64)to_i64(x - half) ^ (1ull << 63);
}

// V neighbours in memory, moved in one instruction.
template <class T, int V> struct alignas(sizeof(T) * V) Pack { T at[V]; };

inline __device__ f32 wrap_add(f32 a, f32 b) { return a + b; }
inline __device__ f64 wrap_add(f64 a, f64 b) { return a + b; }
inline __device__ f32 wrap_mul(f32 a, f32 b) { return a * b; }
inline __device__ f64 wrap_mul(f64 a, f64 b) { return a * b; }

struct Sum { template <class T> static __device__ T combine(T a, T b) { return wrap_add(a, b); } };
struct Product { template <class T> static __device__ T combine(T a, T b) { return wrap_mul(a, b); } };
struct Maximum { template <class T> static __device__ T combine(T a, T b) { return maximum<T>(a, b); } };
struct Minimum { template <class T> static __device__ T combine(T a, T b) { return minimum<T>(a, b); } };

template <bool NARROW> struct Lane { template <class T> using type = T; };
template <> struct Lane<true> { template <class T> using type = i32; };

// The value of the lane whose number differs by `mask`; shuffles move at least 32 bits.
template <class T> __device__ T from_lane(T x, i32 mask) {
    typedef typename Lane<(sizeof(T) < 4)>::template type<T> Moved;
    return (T)__shfl_xor_sync(0xffffffffu, (Moved)x, mask);
}

// Combines along threadIdx.x, for a power of two of threads; every thread gets the result.
template <class Op, class T> __device__ T combine_row(T x) {
    for (i32 mask = 1; mask < blockDim.x && mask < 32; mask *= 2) x = Op::combine(x, from_lane(x, mask));
    if (blockDim.x <= 32) return x;
    __shared__ T warps[32];
    const i32 count = blockDim.x / 32, first = threadIdx.y * count;
    __syncthreads();  // an earlier result may still be read
    if (threadIdx.x % 32 == 0) warps[first + threadIdx.x / 32] = x;
    __syncthreads();
    x = warps[first];
    for (i32 warp = 1; warp < count; warp++) x = Op::combine(x, warps[first + warp]);
    return x;
}

// Combines along threadIdx.y, each threadIdx.x by itself, for up to 32 x 32 threads.
template <class Op, class T> __device__ T combine_column(T x) {
    __shared__ T parts[32][32];
    __syncthreads();
    parts[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    x = parts[0][threadIdx.x];
    for (i32 part = 1; part < blockDim.y; part++) x = Op::combine(x, parts[part][threadIdx.x]);
    return x;
}

// The positions of a row that a thread takes: V neighbours at a time if `packed`, else one in every `lanes`.
template <class Index, i32 V> struct Share {
    Index first, count, start, step, group;
    i32 lane, lanes;
    bool packed;

    __device__ Share(Index count, i32 lane, i32 lanes, bool packed)
        : first(0), count(count), start(packed ? lane * V : lane), step(packed ? 1 : lanes), group(lanes * V),
          lane(lane), lanes(lanes), packed(packed) {}

    __device__ Index position(i32 k) const { return first + start + k / V * group + k % V * step; }

    template <bool CONTIGUOUS, i32 K, class T, class Place>
    __device__ void load(T (&values)[K], const T* x, Place place) const {
        if (CONTIGUOUS && packed) {
            #pragma unroll
            for (i32 k = 0; k < K; k += V)
                if (position(k) < count) {
                    const Pack<T, V> pack = *(const Pack<T, V>*)(x + place(position(k)));
                    #pragma unroll
                    for (i32 v = 0; v < V; v++) values[k + v] = pack.at[v];
                }
        } else {
            #pragma unroll
            for (i32 k = 0; k < K; k++)
                if (position(k) < count) values[k] = x[place(position(k))];
        }
    }

    template <bool CONTIGUOUS, i32 K, class T, class Place>
    __device__ void store(const T (&values)[K], T* y, Place place) const {
        if (CONTIGUOUS && packed) {
            #pragma unroll
            for (i32 k = 0; k < K; k += V)
                if (position(k) < count) {
                    Pack<T, V> pack;
                    #pragma unroll
                    for (i32 v = 0; v < V; v++) pack.at[v] = values[k + v];
                    *(Pack<T, V>*)(y + place(position(k))) = pack;
                }
        } else {
            #pragma unroll
            for (i32 k = 0; k < K; k++)
                if (position(k) < count) y[place(position(k))] = values[k];
        }
    }
};
"""
