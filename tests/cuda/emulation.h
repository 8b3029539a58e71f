// Runs CUDA C++ on the CPU, one fiber a thread, so that kernels can be tested for numbers without a GPU.
//
// A fiber runs until it waits at a barrier. __syncthreads waits for every live thread of the block, a
// shuffle for every live thread of the warp; threads that can never meet abort the program.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <math.h>
#include <memory>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

using std::isinf;

struct dim3 { unsigned x = 1, y = 1, z = 1; };
static dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulation {

enum class State { ready, at_warp_barrier, at_block_barrier, done };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    dim3 thread;
    State state;
    unsigned exchanges;
    uint64_t published[2][4];  // what lanes read of each other; two, so that a fast lane may be one exchange ahead
};

static constexpr size_t stack_bytes = 64 * 1024;
static std::vector<Fiber> fibers;
static size_t active, running;
static ucontext_t scheduler;
static std::function<void()> kernel;

static void fail(const char* what) {
    std::fprintf(stderr, "emulation: %s, block %u\n", what, blockIdx.x);
    std::abort();
}

static void wait(State state) {
    Fiber& self = fibers[running];
    self.state = state;
    swapcontext(&self.context, &scheduler);
    threadIdx = self.thread;
}

static void enter() {
    kernel();
    wait(State::done);
}

// Lets the fibers [first, last) go on if all that are not done wait at `barrier`.
static bool release(size_t first, size_t last, State barrier) {
    bool any = false;
    for (size_t i = first; i < last; i++) {
        if (fibers[i].state == State::done) continue;
        if (fibers[i].state != barrier) return false;
        any = true;
    }
    for (size_t i = first; any && i < last; i++)
        if (fibers[i].state == barrier) fibers[i].state = State::ready;
    return any;
}

static void run_block() {
    for (size_t i = 0; i < active; i++) {
        Fiber& fiber = fibers[i];
        fiber.state = State::ready;
        fiber.exchanges = 0;
        fiber.thread = {unsigned(i % blockDim.x), unsigned(i / blockDim.x % blockDim.y),
                        unsigned(i / (blockDim.x * blockDim.y))};
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = stack_bytes;
        makecontext(&fiber.context, enter, 0);
    }
    for (bool progress = true; progress;) {
        progress = false;
        for (size_t i = 0; i < active; i++) {
            if (fibers[i].state != State::ready) continue;
            running = i;
            threadIdx = fibers[i].thread;
            swapcontext(&scheduler, &fibers[i].context);
            progress = true;
        }
        for (size_t warp = 0; warp < active; warp += 32)
            progress |= release(warp, std::min(warp + 32, active), State::at_warp_barrier);
        progress |= release(0, active, State::at_block_barrier);
    }
    for (size_t i = 0; i < active; i++)
        if (fibers[i].state != State::done) fail("threads wait at barriers that can never meet");
}

static void launch(dim3 grid, dim3 block, std::function<void()> body) {
    gridDim = grid, blockDim = block, kernel = std::move(body);
    active = size_t(block.x) * block.y * block.z;
    if (active > 1024) fail("more than 1024 threads in a block");
    while (fibers.size() < active) {
        fibers.emplace_back();
        fibers.back().stack.reset(new char[stack_bytes]);
    }
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = {x, y, z};
                run_block();
            }
}

// Publishes this lane's value and waits for the warp; `lane_value` then reads what another lane published.
template <class T> static unsigned publish(const T& value) {
    static_assert(sizeof(T) <= sizeof(Fiber::published[0]), "too wide to exchange");
    Fiber& self = fibers[running];
    const unsigned slot = self.exchanges++ & 1;
    std::memcpy(self.published[slot], &value, sizeof(T));
    wait(State::at_warp_barrier);
    return slot;
}

template <class T> static T lane_value(unsigned slot, unsigned lane) {
    const size_t source = (running & ~size_t(31)) | lane;
    if (source >= active || fibers[source].exchanges < fibers[running].exchanges)
        fail("a lane reads from one that takes no part in the exchange");
    T value;
    std::memcpy(&value, fibers[source].published[slot], sizeof(T));
    return value;
}

}  // namespace emulation

static void __syncthreads() { emulation::wait(emulation::State::at_block_barrier); }

template <class T> static T __shfl_xor_sync(unsigned, T value, int mask) {
    const unsigned slot = emulation::publish(value);
    return emulation::lane_value<T>(slot, (emulation::running & 31) ^ mask);
}

static float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

// The conversions that the prelude of generated kernels does in assembly, for its types `f16` and `bf16`.
struct f16;
struct bf16;
static float half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float magnitude;
    if (exponent == 31)
        magnitude = mantissa ? NAN : INFINITY;
    else
        magnitude = exponent ? std::ldexp(1024.0f + mantissa, exponent - 25) : std::ldexp(float(mantissa), -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}
static uint16_t half_bits(double x) {
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    if (x != x) return 0x7fff;
    const double magnitude = std::fabs(x);
    if (magnitude >= 65520) return sign | 0x7c00;
    const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
    const int significand = int(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
    return sign | uint16_t(significand + (exponent + 14) * 1024);  // 2048 carries into the exponent
}
static uint16_t bfloat16_bits(float x) {
    if (x != x) return 0x7fff;
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
template <class Half> static decltype(Half::bits, 0.0f) widen(Half x) { return half_value(x.bits); }
template <class T, class Half = f16> static Half to_f16(T x) { return Half{half_bits(x)}; }
template <class T, class Half = bf16> static Half to_bf16(T x) { return Half{bfloat16_bits(x)}; }

// A warp's d += a @ b for 16x16 by 16x8 halves, by the lanes' documented shares of the matrices.
template <class Half> static void mma(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Half) {
    struct Share { unsigned a[4], b[2]; };
    Share own;
    std::memcpy(own.a, a, sizeof(own.a));
    std::memcpy(own.b, b, sizeof(own.b));
    const unsigned slot = emulation::publish(own), lane = emulation::running & 31;
    const auto half = [](unsigned two, int k) { return widen(Half{uint16_t(k % 2 ? two >> 16 : two)}); };
    for (int e = 0; e < 4; e++) {
        const int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
        for (int k = 0; k < 16; k++) {
            const auto left = emulation::lane_value<Share>(slot, row % 8 * 4 + k % 8 / 2);
            const auto right = emulation::lane_value<Share>(slot, column * 4 + k % 8 / 2);
            d[e] += half(left.a[row / 8 + k / 8 * 2], k) * half(right.b[k / 8], k);
        }
    }
}
