"""Cases of operators that are layers of networks, of 8-bit arithmetic, and of signals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.operator_cases import IMAGES, MICROSOFT, N, OperatorCase, boxes, integers, normal, positive, vector


def layer_cases() -> Iterator[OperatorCase]:
    """All cases of this module."""
    yield from layers()
    yield from quantised()
    yield from signals()


def layers() -> Iterator[OperatorCase]:
    """Layers of networks."""
    image = lambda: normal(*IMAGES)  # noqa: E731
    channels = lambda: [positive(64), normal(64), normal(64), positive(64)]  # noqa: E731
    yield OperatorCase("MatMul", lambda: [normal(512, 512), normal(512, 512)], numpy=np.matmul)
    for constants in ((), (1,)):
        yield OperatorCase(
            "MatMul",
            lambda: [normal(1, 4096), normal(4096, 1024)],
            numpy=np.matmul,
            variant="row" + " by weights" * bool(constants),
            constants=constants,
        )
    yield OperatorCase(
        "MatMul", lambda: [normal(64, 128, 64), normal(64, 64, 128)], numpy=np.matmul, variant="batch"
    )
    yield OperatorCase(
        "Gemm", lambda: [normal(512, 512), normal(512, 512), normal(512)], {"transB": 1}, constants=(1, 2)
    )
    yield OperatorCase(
        "Einsum",
        lambda: [normal(16, 128, 64), normal(16, 128, 64)],
        {"equation": "bij,bkj->bik"},
        lambda a, b: np.einsum("bij,bkj->bik", a, b, optimize=True),
    )
    for kernel, group in ((1, 1), (3, 1), (3, 64), (7, 64)):
        yield OperatorCase(
            "Conv",
            lambda k=kernel, g=group: [image(), normal(64, 64 // g, k, k)],
            {"pads": [kernel // 2] * 4, "group": group},
            variant=f"{kernel}x{kernel}" + (" depthwise" if group > 1 else ""),
            constants=(1,),
        )
    for kernel, group in ((3, 1), (3, 64)):
        yield OperatorCase(
            "Conv",
            lambda k=kernel, g=group: [image(), normal(64, 64 // g, k, k)],
            {"pads": [kernel // 2] * 4, "group": group},
            variant=f"{kernel}x{kernel}" + (" depthwise" if group > 1 else "") + ", weights fed",
        )
    yield OperatorCase(
        "ConvTranspose",
        lambda: [normal(1, 32, 64, 64), normal(32, 32, 4, 4)],
        {"strides": [2, 2], "pads": [1] * 4},
        constants=(1,),
    )
    for op in ("MaxPool", "AveragePool", "LpPool"):
        yield OperatorCase(op, lambda: [image()], {"kernel_shape": [3, 3], "strides": [2, 2]})
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        yield OperatorCase(op, lambda: [image()], version=21)
    yield OperatorCase("BatchNormalization", lambda: [image(), *channels()], constants=(1, 2, 3, 4))
    yield OperatorCase("InstanceNormalization", lambda: [image(), positive(64), normal(64)])
    yield OperatorCase("GroupNormalization", lambda: [image(), positive(64), normal(64)], {"num_groups": 8})
    yield OperatorCase("LayerNormalization", lambda: [normal(*N), positive(1024), normal(1024)])
    yield OperatorCase("RMSNormalization", lambda: [normal(*N), positive(1024)])
    yield OperatorCase("LpNormalization", lambda: [normal(*N)])
    yield OperatorCase("MeanVarianceNormalization", lambda: [image()])
    yield OperatorCase("LRN", lambda: [image()], {"size": 5})
    for mode in ("nearest", "linear", "cubic"):
        yield OperatorCase(
            "Resize",
            lambda: [normal(1, 16, 128, 128), None, np.float32([1, 1, 2, 2])],
            {"mode": mode},
            variant=mode,
        )
    yield from recurrences()
    heads = {"q_num_heads": 8, "kv_num_heads": 8}
    yield OperatorCase(
        "Attention", lambda: [normal(1, 256, 512), normal(1, 256, 512), normal(1, 256, 512)], heads
    )
    yield OperatorCase(
        "MultiHeadAttention",
        lambda: [normal(1, 256, 512), normal(1, 256, 512), normal(1, 256, 512)],
        {"num_heads": 8},
        domain=MICROSOFT,
    )
    for op in ("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"):
        yield OperatorCase(op, lambda: [normal(1, *N), normal(1, *N), positive(1024)], domain=MICROSOFT)
    yield OperatorCase("GridSample", lambda: [normal(1, 16, 256, 256), normal(1, 256, 256, 2) / 2])
    yield OperatorCase("AffineGrid", lambda: [normal(4, 2, 3), vector(4, 3, 512, 512)])
    yield OperatorCase(
        "RoiAlign",
        lambda: [normal(1, 64, 50, 50), boxes(100)[0] / 16, vector(*[0] * 100)],
        {"output_height": 14, "output_width": 14, "sampling_ratio": 2},
        version=16,
    )
    yield OperatorCase(
        "Col2Im", lambda: [normal(1, 16 * 9, 16384), vector(128, 128), vector(3, 3)], {"pads": [1] * 4}
    )
    yield OperatorCase("Det", lambda: [normal(256, 64, 64)], numpy=np.linalg.det)
    yield OperatorCase("Inverse", lambda: [normal(256, 64, 64)], numpy=np.linalg.inv, domain=MICROSOFT)
    yield OperatorCase("TfIdfVectorizer", lambda: [integers(0, 200, 1000, 1000)], _tf_idf())


def _tf_idf() -> dict[str, Any]:
    return {
        **{"max_gram_length": 1, "max_skip_count": 0, "min_gram_length": 1, "mode": "TF"},
        **{"ngram_counts": [0], "ngram_indexes": list(range(100)), "pool_int64s": list(range(100))},
    }


def recurrences() -> Iterator[OperatorCase]:
    """Recurrent layers of 128 columns by batch, others by size and direction."""
    shapes = [("", 8, 128, 1), ("one", 1, 128, 1), ("batch of 64", 64, 128, 1), ("both ways", 8, 256, 2)]
    shapes += [("wide", 8, 1024, 1), ("wide one", 1, 1024, 1)]
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for variant, n, size, d in shapes:
            yield OperatorCase(
                op,
                lambda g=gates, n=n, size=size, d=d: [
                    normal(64, n, 128),
                    normal(d, g * size, 128) / 12,
                    normal(d, g * size, size) / size**0.5,
                ],
                {"hidden_size": size, "direction": "bidirectional" if d == 2 else "forward"},
                variant=variant,
                constants=(1, 2),
            )
    for variant, n, size in (("", 8, 128), ("one", 1, 128), ("wide", 8, 1024)):
        yield OperatorCase(
            "DynamicQuantizeLSTM",
            lambda n=n, size=size: [
                normal(64, n, 128),
                integers(-127, 128, 1, 128, 4 * size, dtype=np.int8),
                integers(-127, 128, 1, size, 4 * size, dtype=np.int8),
                *[None] * 5,
                *[np.full(1, 0.001, np.float32), np.zeros(1, np.int8)] * 2,
            ],
            {"hidden_size": size},
            domain=MICROSOFT,
            variant=variant,
            constants=(1, 2, 8, 9, 10, 11),
        )


def quantised() -> Iterator[OperatorCase]:
    """8-bit arithmetic."""
    scale, zero = np.float32(0.02), np.uint8(128)
    u8 = lambda *shape: integers(0, 256, *shape, dtype=np.uint8)  # noqa: E731
    i8 = lambda *shape: integers(-127, 128, *shape, dtype=np.int8)  # noqa: E731
    parameters = [np.array(scale), np.array(zero)]
    yield OperatorCase("QuantizeLinear", lambda: [normal(*N), *parameters])
    yield OperatorCase("DequantizeLinear", lambda: [u8(*N), *parameters])
    yield OperatorCase("DynamicQuantizeLinear", lambda: [normal(*N)], outputs=3)
    yield OperatorCase("MatMulInteger", lambda: [u8(512, 512), i8(512, 512), np.array(zero)], constants=(1,))
    signed = [np.array(scale), np.array(0, np.int8)]
    yield OperatorCase(
        "QLinearMatMul",
        lambda: [u8(512, 512), *parameters, i8(512, 512), *signed, *parameters],
        constants=tuple(range(1, 8)),
    )
    yield OperatorCase(
        "ConvInteger", lambda: [u8(*IMAGES), u8(64, 64, 3, 3)], {"pads": [1] * 4}, constants=(1,)
    )
    for kernel, group in ((1, 1), (3, 1), (3, 64)):
        yield OperatorCase(
            "QLinearConv",
            lambda k=kernel, g=group: [u8(*IMAGES), *parameters, i8(64, 64 // g, k, k), *signed, *parameters],
            {"pads": [kernel // 2] * 4, "group": group},
            variant=f"{kernel}x{kernel}" + (" depthwise" if group > 1 else ""),
            constants=tuple(range(1, 8)),
        )
    for op in ("QLinearAdd", "QLinearMul"):
        yield OperatorCase(
            op,
            lambda: [u8(*N), *parameters, u8(*N), *parameters, *parameters],
            domain=MICROSOFT,
            constants=(1, 2, 4, 5, 6, 7),
        )
    yield OperatorCase(
        "QLinearSigmoid", lambda: [u8(*N), *parameters, *parameters], domain=MICROSOFT, constants=(1, 2, 3, 4)
    )
    yield OperatorCase(
        "QLinearGlobalAveragePool", lambda: [u8(*IMAGES), *parameters, *parameters], domain=MICROSOFT
    )
    yield OperatorCase(
        "DynamicQuantizeMatMul", lambda: [normal(512, 512), i8(512, 512), np.array([scale])], domain=MICROSOFT
    )
    for rows in (1, 256):
        yield OperatorCase(
            "MatMulNBits",
            lambda m=rows: [normal(m, 1024), u8(1024, 32, 16), positive(1024 * 32)],
            {"K": 1024, "N": 1024, "bits": 4, "block_size": 32},
            domain=MICROSOFT,
            variant=f"{rows} rows",
            constants=(1, 2),
        )


def signals() -> Iterator[OperatorCase]:
    """Fourier transforms, windows and random numbers."""
    for length in (1024, 1000):
        yield OperatorCase(
            "DFT",
            lambda n=length: [normal(1024, n, 1), None, np.array(1)],
            {"onesided": 1},
            lambda x, *_: np.fft.rfft(x[..., 0]),
            variant=f"real {length}",
        )
    yield OperatorCase("DFT", lambda: [normal(512, 1024, 2), None, np.array(1)], variant="complex")
    yield OperatorCase("STFT", lambda: [normal(1, 160_000, 1), np.array(160), None, np.array(512)])
    yield OperatorCase("HannWindow", lambda: [np.array(1 << 20)], numpy=lambda n: np.hanning(int(n) + 1))
    random = np.random.default_rng(0)
    shape = {"shape": list(N), "seed": 1.0}
    yield OperatorCase(
        "RandomNormal", lambda: [], shape, lambda: random.standard_normal(N, np.float32), version=21
    )
    yield OperatorCase("RandomUniform", lambda: [], shape, lambda: random.random(N, np.float32), version=21)
    yield OperatorCase("Bernoulli", lambda: [positive(*N)], {"seed": 1.0}, version=21)
    yield OperatorCase(
        "Multinomial", lambda: [normal(64, 1000)], {"sample_size": 1000, "seed": 1.0}, version=21
    )
