"""Cases of the types, shapes and axes that real models use operators with, beside the plain ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.operator_cases import IMAGES, N, OperatorCase, integers, normal, positive, vector


def setting_cases() -> Iterator[OperatorCase]:
    """All cases of this module."""
    yield from types()
    yield from broadcasts()
    yield from axes()
    yield from movements()


def types() -> Iterator[OperatorCase]:
    """Elements other than float32."""
    kinds = {"f16": (10, np.float16), "f64": (11, np.float64), "i8": (3, np.int8), "u8": (2, np.uint8)}
    kinds |= {"i32": (6, np.int32), "i64": (7, np.int64), "bool": (9, np.bool_)}
    for source, (_, dtype) in kinds.items():
        for target, (to, _) in {**kinds, "f32": (1, None)}.items():
            if source != target:
                yield OperatorCase(
                    "Cast",
                    lambda d=dtype: [integers(0, 99, *N, dtype=d)],
                    {"to": to},
                    variant=f"{source} to {target}",
                )
    for op in ("Add", "Mul", "Div", "Max", "Equal", "Less"):
        yield OperatorCase(
            op,
            lambda: [integers(-999, 999, *N), integers(1, 99, *N, seed=1)],
            variant="i64",
        )
    for op in ("Add", "Mul", "Div", "Pow"):
        yield OperatorCase(
            op,
            lambda: [positive(*N).astype(np.float16), normal(*N, dtype=np.float16, seed=1)],
            variant="f16",
        )
    for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Sqrt", "Erf", "Softmax", "Gelu"):
        yield OperatorCase(op, lambda: [positive(*N).astype(np.float16)], variant="f16")
    for op in ("Exp", "Log", "Tanh", "Sigmoid", "Sqrt", "Sin", "Pow"):
        yield OperatorCase(
            op,
            lambda n=1 + (op == "Pow"): [positive(*N).astype(np.float64)] * n,
            variant="f64",
        )
    yield OperatorCase("Mod", lambda: [normal(*N), positive(*N)], {"fmod": 1}, variant="fmod")
    yield OperatorCase("Mod", lambda: [integers(-999, 999, *N), np.array(7)], variant="i64 by one number")
    yield OperatorCase("Pow", lambda: [normal(*N), np.array(2, np.float32)], variant="squared")
    yield OperatorCase("Pow", lambda: [positive(*N), np.array(0.5, np.float32)], variant="root")
    yield OperatorCase(
        "Pow", lambda: [positive(*N), np.array(3, np.float32)], variant="cubed", constants=(1,)
    )
    yield OperatorCase("Clip", lambda: [integers(-99, 99, *N), np.array(-9), np.array(9)], variant="i64")
    for op, dtype in (("ReduceSum", np.int64), ("ReduceMax", np.int64), ("ReduceMean", np.float16)):
        name = np.dtype(dtype).name
        yield OperatorCase(op, lambda d=dtype: [integers(0, 99, *N, dtype=d), vector(1)], variant=name)


def broadcasts() -> Iterator[OperatorCase]:
    """Operands of unlike shapes, as scales, masks and biases have."""
    patterns: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "scalar": (N, ()),
        "row": (N, (1024,)),
        "channels": (IMAGES, (64, 1, 1)),
        "positions": (IMAGES, (1, 1, 128, 128)),
        "outer": ((1024, 1), (1, 1024)),
        "mask": ((8, 16, 128, 64), (8, 1, 1, 64)),
        "middle": ((8, 16, 128, 64), (8, 1, 128, 1)),
        "short row": ((1 << 18, 4), (4,)),
        "odd": ((1023, 1023), (1023, 1)),
    }
    for variant, (a, b) in patterns.items():
        yield OperatorCase("Mul", lambda a=a, b=b: [normal(*a), normal(*b, seed=1)], variant=variant)
    for variant, (a, b) in patterns.items():
        if variant not in ("outer", "odd", "channels"):
            yield OperatorCase(
                "Where",
                lambda a=a, b=b: [np.asarray(normal(*b) > 0), normal(*a), np.array(-1e9, np.float32)],
                variant=variant,
            )
    yield OperatorCase("Expand", lambda: [normal(8, 1, 1, 256), vector(8, 16, 32, 256)], variant="heads")
    yield OperatorCase(
        "Expand", lambda: [normal(2, 8, 1, 128, 64), vector(2, 8, 8, 128, 64)], variant="groups"
    )
    yield OperatorCase("Tile", lambda: [normal(1, 64, 32, 32), vector(4, 1, 2, 2)], variant="images")
    yield OperatorCase("Tile", lambda: [normal(1 << 16, 1), vector(1, 16)], variant="columns")


def axes() -> Iterator[OperatorCase]:
    """Reductions and softmaxes on other axes than the first and the last."""
    sets = {"all": (), "places": (2, 3), "channels": (1,), "batch and places": (0, 2, 3), "outer": (0, 1)}
    sets |= {"last of 4": (3,), "second last": (2,), "first and last": (0, 3)}
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2"):
        for variant, chosen in sets.items():
            yield OperatorCase(
                op,
                lambda a=chosen: [normal(4, 64, 64, 64), *([vector(*a)] if a else [])],
                variant=variant,
            )
    for variant, shape, axis in (
        ("channels", (4, 21, 112, 112), 1),
        ("middle", (8, 128, 16, 64), 2),
        ("first", (64, 16384), 0),
        ("short", (1 << 17, 8), -1),
        ("of two", (1 << 19, 2), -1),
        ("long", (8, 1 << 17), -1),
        ("scores", (1, 12, 384, 384), -1),
        ("odd", (1000, 1001), -1),
    ):
        for op in ("Softmax", "LogSoftmax", "ArgMax", "ReduceMax"):
            place = [vector(axis)] if op == "ReduceMax" else []
            yield OperatorCase(
                op,
                lambda s=shape, p=place: [normal(*s), *p],
                {} if place else {"axis": axis},
                variant=f"over {variant}",
            )
    for reverse, exclusive in ((0, 1), (1, 0)):
        yield OperatorCase(
            "CumSum",
            lambda: [normal(8, 128, 1024), np.array(1)],
            {"reverse": reverse, "exclusive": exclusive},
            variant="reverse" if reverse else "exclusive",
        )
    yield OperatorCase("CumSum", lambda: [integers(0, 2, 8, 1 << 17), np.array(1)], variant="i64")
    yield OperatorCase("CumSum", lambda: [integers(0, 2, 1, 512), np.array(1)], variant="of positions")


def movements() -> Iterator[OperatorCase]:
    """Operators that move elements."""
    for shape, perm in (
        ((8, 128, 16, 64), (0, 2, 1, 3)),
        ((8, 128, 16, 64), (0, 2, 3, 1)),
        ((8, 16, 128, 64), (0, 1, 3, 2)),
        ((1, 128, 128, 64), (0, 3, 1, 2)),
        ((1, 1080, 1920, 3), (0, 3, 1, 2)),
        ((1, 3, 1080, 1920), (0, 2, 3, 1)),
        ((8, 128, 16, 64), (3, 2, 1, 0)),
        ((8, 128, 16, 64), (1, 0, 2, 3)),
        ((8, 128, 16, 64), (2, 0, 3, 1)),
        ((64, 128, 128), (1, 0, 2)),
        ((64, 128, 128), (2, 0, 1)),
        ((1, 197, 3, 12, 64), (2, 0, 3, 1, 4)),
        ((4, 8, 7, 8, 7, 96), (0, 1, 3, 2, 4, 5)),
        ((1, 4, 4, 64, 32, 32), (0, 3, 4, 1, 5, 2)),
        ((8, 16, 16, 16, 32), (0, 2, 3, 4, 1)),
        ((8, 16, 16, 16, 32), (0, 4, 1, 2, 3)),
        ((1000, 1001), (1, 0)),
        ((1, 3, 85, 80, 80), (0, 1, 3, 4, 2)),
    ):
        sizes = "x".join(map(str, shape))
        yield OperatorCase(
            "Transpose",
            lambda s=shape: [normal(*s)],
            {"perm": list(perm)},
            variant=f"{sizes} to {''.join(map(str, perm))}",
        )
    for dtype in (np.float16, np.uint8, np.int64):
        yield OperatorCase(
            "Transpose",
            lambda d=dtype: [integers(0, 99, 8, 128, 16, 64, dtype=d)],
            {"perm": [0, 2, 3, 1]},
            variant=f"of {np.dtype(dtype).name}",
        )
    image = (1, 64, 112, 128)
    for axis, (a, b) in {
        1: (image, image),
        2: ((8, 16, 96, 64), (8, 16, 1, 64)),
        3: ((1, 64, 128, 64), (1, 64, 128, 33)),
    }.items():
        yield OperatorCase(
            "Concat", lambda a=a, b=b: [normal(*a), normal(*b)], {"axis": axis}, variant=f"axis {axis} of 4"
        )
    yield OperatorCase("Concat", lambda: [normal(1 << 19, 1)] * 2, {"axis": 1}, variant="of columns")
    yield OperatorCase(
        "Concat", lambda: [normal(1, 8400, 4), normal(1, 8400, 80)], {"axis": 2}, variant="boxes"
    )
    for axis, shape, parts in ((1, IMAGES, 2), (2, (8, 128, 3 * 256), 3), (2, (1, 262144, 4), 4), (0, N, 8)):
        yield OperatorCase(
            "Split",
            lambda s=shape: [normal(*s)],
            {"axis": axis, "num_outputs": parts},
            outputs=parts,
            variant=f"{parts} parts of axis {axis}",
        )
    slices: dict[str, tuple[tuple[int, ...], list[int], list[int], list[int], list[int]]] = {
        "of rows": ((2048, 1024), [512], [1536], [0], [1]),
        "of columns": ((1024, 2048), [512], [1536], [1], [1]),
        "every other column": ((1024, 2048), [0], [2048], [1], [2]),
        "focus": ((1, 16, 512, 512), [1, 0], [512, 512], [2, 3], [2, 2]),
        "backwards": (N, [-1], [-2000], [1], [-1]),
        "rows backwards": (N, [-1], [-2000], [0], [-1]),
        "of heads": ((8, 16, 128, 128), [0], [64], [3], [1]),
        "one column": ((1 << 20, 4), [1], [2], [1], [1]),
    }
    for variant, (shape, *parts) in slices.items():
        yield OperatorCase(
            "Slice",
            lambda s=shape, p=parts: [normal(*s), *(vector(*v) for v in p)],
            variant=variant,
            constants=(1, 2, 3, 4),
        )
    for mode in ("constant", "reflect", "edge", "wrap"):
        yield OperatorCase(
            "Pad",
            lambda: [normal(*IMAGES), vector(0, 0, 1, 1, 0, 0, 1, 1)],
            {"mode": mode},
            variant=f"{mode} of images",
            constants=(1,),
        )
        yield OperatorCase(
            "Pad",
            lambda: [normal(1, 480_000), vector(0, 200, 0, 200)],
            {"mode": mode},
            variant=f"{mode} of sound",
            constants=(1,),
        )
    for mode in ("DCR", "CRD"):
        yield OperatorCase(
            "DepthToSpace",
            lambda: [normal(1, 36, 180, 180)],
            {"blocksize": 3, "mode": mode},
            variant=f"{mode} of 3",
        )
    yield OperatorCase("Trilu", lambda: [normal(16, 256, 256), np.array(1)], {"upper": 0}, variant="lower")
    yield OperatorCase("Reshape", lambda: [integers(0, 9, *N), vector(-1)], variant="i64")
