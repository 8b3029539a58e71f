"""Cases of resampling, pooling, normalisations and products, by shapes and attributes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.operator_cases import IMAGES, N, OperatorCase, boxes, integers, normal, positive, vector


def image_cases() -> Iterator[OperatorCase]:
    """All cases of this module."""
    yield from images()
    yield from normalisations()
    yield from products()


def images() -> Iterator[OperatorCase]:
    """Resampling."""
    scales = {"odd up": (1.5, 1.7), "down": (0.5, 0.5), "odd down": (0.37, 0.61), "up": (2, 2), "4": (4, 4)}
    modes = (("linear", "half_pixel"), ("linear", "align_corners"), ("cubic", "half_pixel"))
    modes += (("nearest", "asymmetric"), ("linear", "pytorch_half_pixel"))
    for mode, coordinates in modes:
        for variant, (h, w) in scales.items():
            yield OperatorCase(
                "Resize",
                lambda h=h, w=w: [normal(1, 32, 96, 96), None, np.float32([1, 1, h, w])],
                {
                    **{"mode": mode, "coordinate_transformation_mode": coordinates},
                    **({"nearest_mode": "floor"} if mode == "nearest" else {}),
                },
                variant=f"{mode} {coordinates} {variant}",
                constants=(2,),
            )
    yield OperatorCase(
        "Resize",
        lambda: [normal(1, 3, 640, 480), None, None, vector(1, 3, 224, 224)],
        {"mode": "linear", "antialias": 1},
        variant="linear antialias",
        constants=(3,),
    )
    yield OperatorCase(
        "Resize",
        lambda: [integers(0, 256, 1, 480, 640, 3, dtype=np.uint8), None, None, vector(1, 224, 224, 3)],
        {"mode": "linear"},
        variant="linear u8 channels last",
        constants=(3,),
    )
    yield OperatorCase(
        "Resize",
        lambda: [normal(1, 16, 16, 48, 48), None, np.float32([1, 1, 2, 2, 2])],
        {"mode": "linear"},
        variant="linear volume",
        constants=(2,),
    )
    yield OperatorCase(
        "Resize",
        lambda: [normal(1, 16, 16, 48, 48), None, np.float32([1, 1, 2, 2, 2])],
        {"mode": "nearest"},
        variant="nearest volume",
        constants=(2,),
    )
    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            yield OperatorCase(
                "GridSample",
                lambda: [normal(1, 16, 128, 128), normal(1, 128, 128, 2) / 2],
                {"mode": mode, "padding_mode": padding, "align_corners": int(padding == "border")},
                variant=f"{mode} {padding}",
            )
    yield OperatorCase(
        "GridSample", lambda: [normal(8, 32, 32, 32), normal(8, 300, 4, 2) / 2], variant="of few points"
    )
    yield OperatorCase(
        "GridSample", lambda: [normal(1, 4, 32, 64, 64), normal(1, 32, 64, 64, 3) / 2], variant="volume"
    )
    for mode in ("avg", "max"):
        yield OperatorCase(
            "RoiAlign",
            lambda: [normal(1, 256, 50, 68), boxes(300)[0] / 16, vector(*[0] * 300)],
            {"output_height": 7, "output_width": 7, "sampling_ratio": 0, "mode": mode},
            version=16,
            variant=f"{mode} adaptive",
        )
    yield OperatorCase(
        "MaxRoiPool",
        lambda: [normal(1, 64, 50, 68), np.pad(boxes(300)[0] / 16, ((0, 0), (1, 0)))],
        {"pooled_shape": [7, 7]},
        version=21,
    )
    pools = {"2": ([2, 2], [2, 2], 0), "3 same": ([3, 3], [1, 1], 1), "5 same": ([5, 5], [1, 1], 2)}
    pools |= {"7": ([7, 7], [7, 7], 0), "13 same": ([13, 13], [1, 1], 6)}
    for variant, (kernel, strides, pad) in pools.items():
        for op in ("MaxPool", "AveragePool"):
            yield OperatorCase(
                op,
                lambda: [normal(*IMAGES)],
                {"kernel_shape": kernel, "strides": strides, "pads": [pad] * 4},
                variant=variant,
            )
    yield OperatorCase(
        "MaxPool",
        lambda: [normal(*IMAGES)],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        outputs=2,
        variant="with indices",
    )
    yield OperatorCase(
        "MaxPool", lambda: [normal(1, 64, 16000)], {"kernel_shape": [4], "strides": [4]}, variant="of sound"
    )
    for op in ("MaxPool", "AveragePool"):
        yield OperatorCase(
            op,
            lambda: [normal(1, 32, 32, 32, 32)],
            {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]},
            variant="volume",
        )
    yield OperatorCase(
        "MaxUnpool",
        lambda: [normal(1, 64, 64, 64), (4 * np.arange(1 << 18)).reshape(1, 64, 64, 64)],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    )
    yield OperatorCase(
        "DeformConv",
        lambda: [normal(1, 64, 40, 40), normal(64, 64, 3, 3), normal(1, 18, 40, 40)],
        {"kernel_shape": [3, 3], "pads": [1] * 4},
        constants=(1,),
    )


def normalisations() -> Iterator[OperatorCase]:
    """Normalisations of the sizes of transformers, images and sound."""
    for rows, columns in ((384, 384), (128, 768), (4096, 64), (1, 4096), (100, 1000)):
        yield OperatorCase(
            "LayerNormalization",
            lambda m=rows, n=columns: [normal(1, m, n), positive(n), normal(n)],
            variant=f"{rows}x{columns}",
            constants=(1, 2),
        )
        yield OperatorCase(
            "RMSNormalization",
            lambda m=rows, n=columns: [normal(1, m, n), positive(n)],
            variant=f"{rows}x{columns}",
            constants=(1,),
        )
    yield OperatorCase(
        "LayerNormalization",
        lambda: [normal(8, 64, 2048), positive(64, 2048)],
        {"axis": 1},
        variant="of two axes",
    )
    yield OperatorCase(
        "LayerNormalization",
        lambda: [normal(*N, dtype=np.float16), *[positive(1024).astype(np.float16)] * 2],
        variant="f16",
    )
    for variant, shape in (
        ("small", (1, 256, 14, 14)),
        ("sound", (1, 512, 2000)),
        ("volume", (1, 16, 32, 48, 48)),
    ):
        affine = lambda s=shape: [normal(*s), positive(s[1]), normal(s[1])]  # noqa: E731
        yield OperatorCase("InstanceNormalization", affine, variant=variant, constants=(1, 2))
        yield OperatorCase("GroupNormalization", affine, {"num_groups": 8}, variant=variant, constants=(1, 2))
        yield OperatorCase(
            "BatchNormalization",
            lambda s=shape: [normal(*s), positive(s[1]), normal(s[1]), normal(s[1]), positive(s[1])],
            variant=variant,
            constants=(1, 2, 3, 4),
        )
    yield OperatorCase("LpNormalization", lambda: [normal(*N)], {"p": 1, "axis": 0}, variant="l1 of columns")
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        yield OperatorCase(op, lambda: [normal(1, 1280, 7, 7)], version=21, variant="7x7")


def products() -> Iterator[OperatorCase]:
    """Sums of products that are not plain matrix products."""
    for equation, a, b in (
        ("bhid,bhjd->bhij", (8, 8, 128, 64), (8, 8, 128, 64)),
        ("bhij,bhjd->bhid", (8, 8, 128, 128), (8, 8, 128, 64)),
        ("bhwc,hkc->bhwk", (4, 32, 32, 64), (32, 32, 64)),
        ("bnd,dhk->bnhk", (4, 128, 256), (256, 8, 32)),
        ("nchw,nchw->nc", (4, 64, 64, 64), (4, 64, 64, 64)),
        ("ij,ij->i", N, N),
        ("i,j->ij", (1024,), (1024,)),
        ("bij,bij->bij", (16, 256, 256), (16, 256, 256)),
        ("nkctv,kvw->nctw", (1, 3, 64, 150, 25), (3, 25, 25)),
    ):
        yield OperatorCase(
            "Einsum", lambda a=a, b=b: [normal(*a), normal(*b)], {"equation": equation}, variant=equation
        )
    for equation in ("ij->ji", "ij->i", "ij->"):
        yield OperatorCase("Einsum", lambda: [normal(*N)], {"equation": equation}, variant=equation)
    for variant, a, b in (
        ("by a vector", N, (1024,)),
        ("vector by", (1024,), N),
        ("matrices of 4", (65536, 4, 4), (65536, 4, 4)),
        ("heads", (1, 12, 128, 64), (1, 12, 64, 128)),
        ("shared", (8, 128, 256), (256, 256)),
        ("thin", (1 << 16, 3), (3, 3)),
        ("outer", (1024, 1), (1, 1024)),
    ):
        yield OperatorCase("MatMul", lambda a=a, b=b: [normal(*a), normal(*b)], variant=variant)
    yield OperatorCase(
        "MatMul",
        lambda: [normal(256, 256, dtype=np.float64), normal(256, 256, dtype=np.float64)],
        variant="f64",
    )
    yield OperatorCase(
        "MatMul",
        lambda: [normal(256, 256, dtype=np.float16), normal(256, 256, dtype=np.float16)],
        variant="f16",
    )
    yield OperatorCase("MatMul", lambda: [integers(0, 9, 256, 256), integers(0, 9, 256, 256)], variant="i64")
    yield OperatorCase(
        "Gemm",
        lambda: [normal(256, 512), normal(256, 512), normal(1, 512)],
        {"transA": 1, "alpha": 0.5, "beta": 2.0},
        variant="transposed A",
    )
    for variant, shape, weights, attributes in (
        ("2x2", (1, 64, 64, 64), (64, 32, 2, 2), {"strides": [2, 2]}),
        (
            "3x3",
            (1, 64, 32, 32),
            (64, 64, 3, 3),
            {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]},
        ),
        ("5x5", (1, 32, 32, 32), (32, 16, 5, 5), {"strides": [2, 2], "pads": [2] * 4}),
        ("4x4 to colours", (1, 64, 64, 64), (64, 3, 4, 4), {"strides": [2, 2], "pads": [1] * 4}),
        ("grouped", (1, 64, 64, 64), (64, 1, 4, 4), {"strides": [2, 2], "pads": [1] * 4, "group": 64}),
        ("sound", (1, 128, 500), (128, 64, 16), {"strides": [8], "pads": [4, 4]}),
        ("volume", (1, 32, 16, 16, 16), (32, 16, 2, 2, 2), {"strides": [2, 2, 2]}),
    ):
        yield OperatorCase(
            "ConvTranspose",
            lambda s=shape, w=weights: [normal(*s), normal(*w)],
            attributes,
            variant=variant,
            constants=(1,),
        )
