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
static __device__ f32 widen(f16 x) {
    f32 y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}
static __device__ f16 to_f16(f32 x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
static __device__ f16 to_f16(f64 x) {
    f16 y;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y.bits) : "d"(x));
    return y;
}
static __device__ bf16 to_bf16(f32 x) {
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
#endif
static __device__ f32 widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <class To, class From> static __device__ To bitcast(From x) {
    static_assert(sizeof(To) == sizeof(From), "a bitcast keeps the width");
    union { From from; To to; } u = {x};
    return u.to;
}

// Integers wrap around; the sum of the zero-extended or sign-extended operands has the right low bits.
template <class T> static __device__ T wrap_add(T a, T b) { return (T)((u64)a + (u64)b); }
template <class T> static __device__ T wrap_sub(T a, T b) { return (T)((u64)a - (u64)b); }
template <class T> static __device__ T wrap_mul(T a, T b) { return (T)((u64)a * (u64)b); }
template <class T> static __device__ T wrap_neg(T a) { return (T)(0 - (u64)a); }
template <class T> static __device__ T wrap_abs(T a) { return a < (T)0 ? wrap_neg(a) : a; }

// x / 0 and x % 0 are 0; the smallest integer divided by -1 wraps around to itself.
template <class T> static __device__ T quotient(T a, T b) {
    if (b == (T)0) return (T)0;
    return (T)-1 < (T)0 && b == (T)-1 ? wrap_neg(a) : (T)(a / b);
}
template <class T> static __device__ T remainder_of(T a, T b) {
    return b == (T)0 || ((T)-1 < (T)0 && b == (T)-1) ? (T)0 : (T)(a % b);
}

// A shift by the width or more, or by a negative count, leaves 0.
template <class T> static __device__ T shift_left(T a, T n) {
    return (u64)n < 8 * sizeof(T) ? (T)((u64)a << n) : (T)0;
}
template <class T> static __device__ T shift_right(T a, T n) {
    return (u64)n < 8 * sizeof(T) ? (T)(a >> n) : (T)0;
}

template <class T> static __device__ T integer_power(T a, T n) {
    if (n < (T)0) return a == (T)1 ? a : a == (T)-1 ? (n & 1 ? a : (T)1) : (T)0;
    T power = (T)1;
    for (; n != (T)0; n >>= 1, a = wrap_mul(a, a))
        if (n & 1) power = wrap_mul(power, a);
    return power;
}

// IEEE 754-2019 maximum and minimum: NaN if either is NaN.
template <class T> static __device__ T maximum(T a, T b) { return a > b ? a : b; }
template <class T> static __device__ T minimum(T a, T b) { return a < b ? a : b; }
static __device__ f32 maximum(f32 a, f32 b) { return a != a ? a : b != b ? b : fmaxf(a, b); }
static __device__ f32 minimum(f32 a, f32 b) { return a != a ? a : b != b ? b : fminf(a, b); }
static __device__ f64 maximum(f64 a, f64 b) { return a != a ? a : b != b ? b : fmax(a, b); }
static __device__ f64 minimum(f64 a, f64 b) { return a != a ? a : b != b ? b : fmin(a, b); }

// What x86 converts: truncated, and the smallest integer for NaN and for what does not fit.
static __device__ i32 to_i32(f32 x) { return x >= -0x1p31f && x < 0x1p31f ? (i32)x : (i32)0x80000000; }
static __device__ i32 to_i32(f64 x) { return x > -0x1.00000002p31 && x < 0x1p31 ? (i32)x : (i32)0x80000000; }
static __device__ i64 to_i64(f32 x) { return x >= -0x1p63f && x < 0x1p63f ? (i64)x : (i64)(1ull << 63); }
static __device__ i64 to_i64(f64 x) { return x >= -0x1p63 && x < 0x1p63 ? (i64)x : (i64)(1ull << 63); }
template <class T> static __device__ u64 to_u64(T x) {
    const T half = (T)9223372036854775808ull;
    return x < half ? (u64)to_i64(x) : (u64)to_i64(x - half) ^ (1ull << 63);
}
"""
