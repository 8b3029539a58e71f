"""Fourier transforms against NumPy's in float64, windows and the mel scale against their formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jitrt.ops import _fft
from oracle import BF16, Case, compare, int64s, normal, table
from steps import TARGETS, ref, run_twice

import jitrt
from jitrt.layout import Array, dense_strides
from jitrt.tensor import constant

LIMITS = {"float32": 1e-6, "float64": 1e-13, "float16": 2e-3, "bfloat16": 2e-2}
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 15, 16, 31, 37, 60, 74, 97, 101, 128, 202, 210, 1000, 1024)
LONG = (4096, 4099, 4410, 8192, 20014)


def as_complex(x):
    parts = x.astype(np.float64)
    return parts[..., 0] + 1j * parts[..., 1] if x.shape[-1] == 2 else parts[..., 0]


def as_parts(z):
    return np.stack([z.real, z.imag], -1)


def close(got, wanted):
    """The error is small beside the largest element, as rounding in a transform is."""
    assert got.shape == wanted.shape
    scale = max(np.abs(wanted).max(initial=0), 1e-30)
    assert np.abs(got.astype(np.float64) - wanted).max(initial=0) <= LIMITS[got.dtype.name] * scale


def check_dft(x, axis, length=None):
    """All four kinds of transform along the axis."""
    z, real = as_complex(x), as_complex(x[..., :1])
    n = None if length is None else np.int64(length)
    along = np.int64(axis)
    close(jitrt.call("DFT", x, n, along), as_parts(np.fft.fft(z, length, axis)))
    close(jitrt.call("DFT", x, n, along, inverse=1), as_parts(np.fft.ifft(z, length, axis)))
    close(jitrt.call("DFT", x[..., :1], n, along, onesided=1), as_parts(np.fft.rfft(real, length, axis)))
    if length is not None or x.shape[axis] > 1:
        bins = jitrt.call("DFT", x, n, along, inverse=1, onesided=1)
        close(bins, np.fft.irfft(z, length, axis)[..., None])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", LENGTHS)
def test_dft_of_many_and_of_one(n, dtype):
    check_dft(normal(20, n, 2, dtype=dtype), 1)
    check_dft(normal(1, n, 2, dtype=dtype), 1)


@pytest.mark.parametrize("n", LONG)
def test_dft_of_long_signals(n):
    check_dft(normal(1, n, 2), 1)
    check_dft(normal(17, n, 2), 1)


@pytest.mark.parametrize("dtype", [np.float16, BF16])
def test_dft_of_16_bits(dtype):
    x = normal(3, 12, 2, dtype=dtype)
    close(jitrt.call("DFT", x), as_parts(np.fft.fft(as_complex(x))))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("n", [6, 37, 130])
@pytest.mark.parametrize("change", [-2, 0, 5])
def test_dft_pads_or_cuts_any_axis(axis, n, change):
    shape = [3, 4, 5]
    shape[axis] = n
    check_dft(normal(*shape, 2), axis, n + change)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 700), st.integers(1, 5))
def test_dft_of_any_length(batch, n, inner):
    x = normal(batch, n, inner, 2)
    close(jitrt.call("DFT", x, None, np.int64(1)), as_parts(np.fft.fft(as_complex(x), axis=1)))


def test_dft_of_version_17():
    x = normal(2, 6, 5, 2)
    close(jitrt.call("DFT", x, version=17), as_parts(np.fft.fft(as_complex(x), axis=1)))
    close(jitrt.call("DFT", x, version=17, axis=-2), as_parts(np.fft.fft(as_complex(x), axis=2)))


def test_signals_do_not_mix():
    x = normal(32, 64, 1)
    x[3] *= 1e6
    x[4, 9] = np.nan
    wanted = np.fft.rfft(as_complex(x))
    got = as_complex(jitrt.call("DFT", x, onesided=1))
    assert np.isnan(got[4]).all()
    rest = np.arange(32) != 4
    error = np.abs(got[rest] - wanted[rest]).max(1) / np.abs(wanted[rest]).max(1)
    assert (error < 1e-6).all()


def run_call(call, target):
    """The output of a kernel call on constants, run whole and unit by unit."""
    (output,) = call.outputs
    y = np.zeros(output.shape, output.dtype)
    arrays = [
        Array(a.dtype, a.shape, dense_strides(a.shape), ref(a)) for a in (*(t.value for t in call.inputs), y)
    ]
    (step,) = call.steps(arrays[:-1], arrays[-1:], None)
    run_twice(step, target, y)
    return y


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{8 * t.vector_bytes}bit")
@pytest.mark.parametrize("n", [37, 60, 128])
def test_transform_in_vectors_of_each_width(target, n):
    x = normal(37, n, 1, 2)
    z, bins = as_complex(x[:, :, 0]), np.fft.rfft(as_complex(x[:, :, 0, :1]))
    y = run_call(_fft.fft(constant(x)).source.base.source.call, target)
    close(y.reshape(37, n, 2), as_parts(np.fft.fft(z)))
    if n % 2 == 0:
        y = run_call(
            _fft.real_fft(constant(np.ascontiguousarray(x[..., :1]))).source.base.source.call, target
        )
        close(y.reshape(37, n // 2 + 1, 2), as_parts(bins))
        halves = constant(as_parts(bins).astype(np.float32)[:, :, None])
        y = run_call(_fft.real_inverse_fft(halves, n).source.base.source.call, target)
        close(y.reshape(37, n), z.real)


def test_dft_there_and_back():
    x = normal(5, 600, 1)
    bins = jitrt.call("DFT", x, onesided=1)
    close(jitrt.call("DFT", bins, inverse=1, onesided=1), x.astype(np.float64))


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((3, 5, 3), {}, "last dimension must be 1"),
        ((3, 5, 2), {"onesided": 1}, "needs real input"),
        ((3, 5, 1), {"onesided": 1, "inverse": 1}, "needs complex input"),
        ((3, 1, 2), {"onesided": 1, "inverse": 1}, "greater than zero, got 0"),
    ],
)
def test_dft_of_wrong_input(shape, options, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call("DFT", np.zeros(shape, np.float32), **options)


def test_dft_of_a_wrong_axis():
    with pytest.raises(jitrt.errors.Fail, match=r"axis 2 is not in \[-3, -2\] or \[0, 1\]"):
        jitrt.call("DFT", normal(2, 3, 2), None, np.int64(2))


def frames_of(x, step, window, n, onesided=1):
    z = as_complex(x)
    n = n or (len(window) if window is not None else z.shape[1])
    frames = np.lib.stride_tricks.sliding_window_view(z, n, 1)[:, :: int(step)]
    if window is not None:
        frames = frames * window.astype(np.float64)
    return as_parts(np.fft.rfft(frames) if onesided else np.fft.fft(frames))


@pytest.mark.parametrize(
    ("batch", "length", "n", "step"),
    [(1, 128, 16, 8), (2, 1000, 400, 160), (2, 500, 37, 10), (1, 1000, 401, 3), (1, 20000, 8192, 5000)],
)
@pytest.mark.parametrize("windowed", [False, True])
def test_stft(batch, length, n, step, windowed):
    window = np.hanning(n).astype(np.float32) if windowed else None
    for parts, onesided in ((1, 1), (1, 0), (2, 0)):
        x = normal(batch, length, parts)
        got = jitrt.call("STFT", x, np.int64(step), window, np.int64(n), onesided=onesided)
        close(got, frames_of(x, step, window, n, onesided))


def test_stft_takes_its_length_from_the_window_or_the_signal():
    x, window = normal(2, 50, 1), normal(20)
    close(jitrt.call("STFT", x, np.int32(7), window), frames_of(x, 7, window, 0))
    close(jitrt.call("STFT", x, np.int64(7)), frames_of(x, 7, None, 0))


def test_stft_of_a_signal_without_a_dimension_for_parts():
    """The specification asks for it; exporters leave it out, and onnxruntime takes that."""
    x, window = normal(2, 50), normal(20)
    close(jitrt.call("STFT", x, np.int64(7), window), frames_of(x[..., None], 7, window, 0))


def test_stft_of_other_signals_by_the_same_program():
    window = normal(16)
    for batch, length in ((1, 100), (3, 57), (2, 400)):
        x = normal(batch, length, 1)
        close(jitrt.call("STFT", x, np.int64(4), window), frames_of(x, 4, window, 0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([normal(10), np.int64(2)], "signal must have the shape"),
        ([normal(1, 10, 1, 1), np.int64(2)], "signal must have the shape"),
        ([normal(1, 10, 2), np.int64(2)], "needs real input"),
        ([normal(1, 10, 1), np.int64(2), normal(4), np.int64(5)], "window must have frame_length 5 elements"),
        ([normal(1, 10, 1), np.int64(2), normal(11)], "do not fit the signal"),
    ],
)
def test_stft_of_wrong_input(inputs, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call("STFT", *inputs)


def cosines(*weights):
    def window(size, output_datatype=1, periodic=1):
        angle = 2 * np.pi * np.arange(size) / (size if periodic else size - 1)
        return sum(w * np.cos(k * angle) for k, w in enumerate(weights))

    return window


WINDOWS = [
    Case(op, [np.int64(size)], {"periodic": periodic}, formula)
    for op, formula in (
        ("HannWindow", cosines(0.5, -0.5)),
        ("HammingWindow", cosines(25 / 46, -21 / 46)),
        ("BlackmanWindow", cosines(0.42, -0.5, 0.08)),
    )
    for size in (2, 9, 400)
    for periodic in (0, 1)
] + [
    Case("HannWindow", [np.int32(7)], {"output_datatype": 11}, cosines(0.5, -0.5)),
    Case("HannWindow", [np.int32(7)], {"output_datatype": 10}, cosines(0.5, -0.5)),
]


def mel_triangles(bands, n, rate, low, high, output_datatype=1):
    """The matrix by loops over triangles."""
    mel = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), int(bands) + 3)[:-1]
    edges = np.floor((n + 1) * 700 * (10 ** (mel / 2595) - 1) / rate).astype(int)
    weights = np.zeros((n // 2 + 1, bands))
    for band in range(bands):
        left, center, right = edges[band : band + 3]
        for k in range(n // 2 + 1):
            if left <= k < center:
                weights[k, band] = (k - left) / (center - left)
            elif k == center:
                weights[k, band] = 1
            elif center < k < right:
                weights[k, band] = (right - k) / (right - center)
    return weights


MEL = [
    Case("MelWeightMatrix", [np.int64(b), np.int64(n), np.int64(r), kind(low), kind(high)], {}, mel_triangles)
    for b, n, r, low, high in ((8, 16, 8192, 0, 4096), (80, 400, 16000, 0, 8000), (20, 512, 22050, 100, 9000))
    for kind in (np.float32, np.float64)
]


@table(WINDOWS, MEL)
def test_windows_and_mel_scale(case):
    case.check()


def test_integer_windows():
    compare(jitrt.call("HannWindow", np.int64(4), periodic=0, output_datatype=6), np.array([0, 0, 0, 0]))
    compare(jitrt.call("HannWindow", np.int64(2), output_datatype=7), int64s(0, 1))


def test_a_window_of_a_symbolic_size():
    """Its size is that of another input, so one program serves all sizes."""
    for n in (5, 8):
        compare(jitrt.call("HannWindow", np.int64(n), periodic=1), cosines(0.5, -0.5)(n).astype(np.float32))
