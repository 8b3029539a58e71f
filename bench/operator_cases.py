"""A case of about a million elements for each operator: inputs, attributes, and NumPy's nearest call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
N = (1024, 1024)
IMAGES = (1, 64, 128, 128)
MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class OperatorCase:
    """One node on `inputs()`; `numpy` is None where NumPy has no call or two that do the same."""

    op: str
    inputs: Callable[[], list[Array | None]]
    attributes: dict[str, Any] = field(default_factory=dict)
    numpy: Callable[..., Any] | None = None
    outputs: int = 1
    domain: str = ""
    version: int = 0  # the newest that onnxruntime knows
    variant: str = ""
    constants: tuple[int, ...] = ()  # which inputs are weights

    @property
    def name(self) -> str:
        """`TopK largest`: the operator, and which of its cases."""
        prefix = "ms." if self.domain == MICROSOFT else ""
        return f"{prefix}{self.op} {self.variant}".rstrip()


def normal(*shape: int, dtype: Any = np.float32, seed: int = 0) -> Array:
    """Normally distributed values."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32).astype(dtype)


def positive(*shape: int) -> Array:
    """Values in (0, 1)."""
    return np.random.default_rng(1).random(shape, np.float32) * 0.98 + 0.01


def integers(low: int, high: int, *shape: int, dtype: Any = np.int64, seed: int = 0) -> Array:
    """Integers from low up to, not including, high."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def vector(*values: int) -> Array:
    """int64 values, as axes and shapes are given."""
    return np.array(values, np.int64)


def elementary_cases() -> Iterator[OperatorCase]:
    """Everything but layers of networks, quantised arithmetic and signals."""
    yield from unary()
    yield from binary()
    yield from reductions()
    yield from movement()
    yield from selection()


def unary() -> Iterator[OperatorCase]:
    """Functions of one number."""
    anywhere: dict[str, Callable[..., Any] | None] = {
        **{"Abs": np.abs, "Neg": np.negative, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint},
        **{"Exp": np.exp, "Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Atan": np.arctan, "Sinh": np.sinh},
        **{"Cosh": np.cosh, "Tanh": np.tanh, "Asinh": np.arcsinh, "Sign": np.sign, "Erf": None},
        **{"IsNaN": np.isnan, "IsInf": np.isinf, "Reciprocal": np.reciprocal},
        "Relu": lambda x: np.maximum(x, 0),
        "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "Softplus": lambda x: np.log1p(np.exp(x)),
        "Softsign": lambda x: x / (1 + np.abs(x)),
        **dict.fromkeys(("Elu", "Celu", "Selu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish")),
        **dict.fromkeys(("ThresholdedRelu", "Shrink", "Identity", "Hardmax")),
        "Softmax": None,
        "LogSoftmax": None,
    }
    for op, function in anywhere.items():
        yield OperatorCase(op, lambda: [normal(*N)], numpy=function)
    inside = {"Log": np.log, "Sqrt": np.sqrt, "Acos": np.arccos, "Asin": np.arcsin, "Atanh": np.arctanh}
    for op, function in inside.items():
        yield OperatorCase(op, lambda: [positive(*N)], numpy=function)
    yield OperatorCase("Acosh", lambda: [positive(*N) + 1], numpy=np.arccosh)
    yield OperatorCase("Not", lambda: [normal(*N) > 0], numpy=np.logical_not)
    yield OperatorCase("BitwiseNot", lambda: [integers(0, 99, *N, dtype=np.int32)], numpy=np.invert)
    limits = np.array(-1, np.float32), np.array(1, np.float32)
    yield OperatorCase("Clip", lambda: [normal(*N), *limits], numpy=np.clip)
    for to, dtype in ((10, np.float16), (6, np.int32), (7, np.int64), (11, np.float64), (9, np.bool_)):
        name = np.dtype(dtype).name
        yield OperatorCase(
            "Cast", lambda: [normal(*N)], {"to": to}, lambda x, d=dtype: x.astype(d), variant=f"to {name}"
        )
    yield OperatorCase(
        "Cast",
        lambda: [normal(*N, dtype=np.float16)],
        {"to": 1},
        lambda x: x.astype(np.float32),
        variant="f16",
    )
    yield OperatorCase("PRelu", lambda: [normal(*N), normal(1024)])
    for op in ("BiasGelu", "FastGelu"):
        yield OperatorCase(op, lambda: [normal(*N), normal(1024)], domain=MICROSOFT)
    for op in ("QuickGelu", "Gelu"):
        yield OperatorCase(op, lambda: [normal(*N)], domain=MICROSOFT)


def binary() -> Iterator[OperatorCase]:
    """Functions of two numbers and more."""
    arithmetic = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    comparisons = {"Equal": np.equal, "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal}
    comparisons["GreaterOrEqual"] = np.greater_equal
    for op, function in {**arithmetic, **comparisons, "Max": np.maximum, "Min": np.minimum}.items():
        yield OperatorCase(op, lambda: [normal(*N), normal(*N, seed=1)], numpy=function)
    for op, function in arithmetic.items():
        yield OperatorCase(op, lambda: [normal(*N), normal(1024, 1)], numpy=function, variant="column")
    yield OperatorCase("Pow", lambda: [positive(*N), normal(*N)], numpy=np.power)
    for op, function in {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}.items():
        yield OperatorCase(op, lambda: [normal(*N) > 0, normal(*N, seed=1) > 0], numpy=function)
    bits = {"BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor}
    for op, function in {**bits, "Mod": np.mod}.items():
        yield OperatorCase(
            op,
            lambda: [integers(0, 999, *N, dtype=np.int32), integers(1, 99, *N, dtype=np.int32)],
            numpy=function,
        )
    yield OperatorCase(
        "BitShift",
        lambda: [integers(0, 999, *N, dtype=np.uint32), integers(0, 9, *N, dtype=np.uint32)],
        {"direction": "LEFT"},
        np.left_shift,
    )
    yield OperatorCase("Where", lambda: [normal(*N) > 0, normal(*N), normal(*N, seed=1)], numpy=np.where)
    for op, mean in (("Sum", False), ("Mean", True)):
        yield OperatorCase(
            op,
            lambda: [normal(*N), normal(*N, seed=1), normal(*N, seed=2)],
            numpy=lambda a, b, c, m=mean: (a + b + c) / 3 if m else a + b + c,
        )


def reductions() -> Iterator[OperatorCase]:
    """Reductions over rows and over columns, and scans."""
    functions: dict[str, Callable[..., Any] | None] = {
        **{"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min},
        **{"ReduceProd": np.prod, "ReduceL1": None, "ReduceL2": None, "ReduceSumSquare": None},
        **{"ReduceLogSum": None, "ReduceLogSumExp": None},
    }
    for op, function in functions.items():
        for axis in (1, 0):
            yield OperatorCase(
                op,
                lambda a=axis: [positive(*N), vector(a)],
                numpy=function and (lambda x, a, f=function: f(x, int(a[0]))),
                variant=("columns", "rows")[axis],
            )
    for op, function in {"ArgMax": np.argmax, "ArgMin": np.argmin}.items():
        for axis in (1, 0):
            yield OperatorCase(
                op,
                lambda: [normal(*N)],
                {"axis": axis},
                lambda x, a=axis, f=function: f(x, a),
                variant=("columns", "rows")[axis],
            )
    for axis in (1, 0):
        yield OperatorCase(
            "CumSum",
            lambda a=axis: [normal(*N), np.array(a)],
            numpy=lambda x, a: np.cumsum(x, int(a)),
            variant=("columns", "rows")[axis],
        )


def movement() -> Iterator[OperatorCase]:
    """Operators that move elements."""
    yield OperatorCase("Transpose", lambda: [normal(*N)], numpy=lambda x: np.ascontiguousarray(x.T))
    yield OperatorCase(
        "Transpose",
        lambda: [normal(*IMAGES)],
        {"perm": [0, 2, 3, 1]},
        lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)),
        variant="to channels last",
    )
    for axis in (0, 1):
        yield OperatorCase(
            "Concat",
            lambda: [normal(512, 1024), normal(512, 1024)],
            {"axis": axis},
            lambda a, b, x=axis: np.concatenate([a, b], x),
            variant=f"axis {axis}",
        )
    yield OperatorCase("Split", lambda: [normal(*N)], {"axis": 1, "num_outputs": 2}, outputs=2)
    yield OperatorCase(
        "Slice",
        lambda: [normal(2048, 1024), vector(1, 3), vector(2047, 1023), vector(0, 1), vector(2, 1)],
        numpy=lambda x, *_: x[1:2047:2, 3:1023].copy(),
    )
    yield OperatorCase(
        "Expand", lambda: [normal(1024, 1), vector(*N)], numpy=lambda x, s: np.broadcast_to(x, s).copy()
    )
    yield OperatorCase("Tile", lambda: [normal(256, 256), vector(4, 4)], numpy=lambda x, r: np.tile(x, r))
    yield OperatorCase(
        "Pad",
        lambda: [normal(1000, 1000), vector(12, 12, 12, 12)],
        numpy=lambda x, p: np.pad(x, int(p[0])),
    )
    for mode in ("reflect", "edge"):
        yield OperatorCase(
            "Pad",
            lambda: [normal(1000, 1000), vector(12, 12, 12, 12)],
            {"mode": mode},
            lambda x, p, m=mode: np.pad(x, int(p[0]), m),
            variant=mode,
        )
    yield OperatorCase(
        "Gather", lambda: [normal(*N), integers(0, 1024, 1024)], numpy=lambda x, i: np.take(x, i, 0)
    )
    yield OperatorCase(
        "Gather",
        lambda: [normal(*N), integers(0, 1024, 1024)],
        {"axis": 1},
        lambda x, i: np.take(x, i, 1),
        variant="axis 1",
    )
    for axis in (0, 1):
        yield OperatorCase(
            "GatherElements",
            lambda: [normal(*N), integers(0, 1024, *N)],
            {"axis": axis},
            lambda x, i, a=axis: np.take_along_axis(x, i, a),
            variant=f"axis {axis}",
        )
    yield OperatorCase(
        "GatherND",
        lambda: [normal(1024, 64, 16), integers(0, 64, 65536, 2)],
        numpy=lambda x, i: x[tuple(i.T)],
    )
    yield OperatorCase("ScatterND", lambda: [normal(*N), integers(0, 1024, 512, 1), normal(512, 1024)])
    yield OperatorCase(
        "ScatterElements", lambda: [normal(*N), integers(0, 1024, 512, 1024), normal(512, 1024)], {"axis": 1}
    )
    yield OperatorCase("DepthToSpace", lambda: [normal(1, 64, 128, 128)], {"blocksize": 2})
    yield OperatorCase("SpaceToDepth", lambda: [normal(1, 64, 128, 128)], {"blocksize": 2})
    yield OperatorCase(
        "ReverseSequence",
        lambda: [normal(1024, 32, 32), integers(1, 1024, 32)],
        {"batch_axis": 1, "time_axis": 0},
    )
    yield OperatorCase("Trilu", lambda: [normal(*N)], numpy=np.triu)
    yield OperatorCase(
        "Range",
        lambda: [np.array(0, np.float32), np.array(2**20, np.float32), np.array(1, np.float32)],
        numpy=lambda a, b, c: np.arange(a, b, c, dtype=np.float32),
    )
    yield OperatorCase("ConstantOfShape", lambda: [vector(*N)], numpy=lambda s: np.zeros(s, np.float32))
    yield OperatorCase(
        "OneHot", lambda: [integers(0, 1024, 1024), vector(1024), np.array([0, 1], np.float32)]
    )
    yield OperatorCase("EyeLike", lambda: [normal(*N)], numpy=lambda x: np.eye(*x.shape, dtype=x.dtype))
    yield OperatorCase("Reshape", lambda: [normal(*N), vector(-1)], numpy=lambda x, s: x.reshape(s).copy())
    yield OperatorCase("CenterCropPad", lambda: [normal(1100, 1100), vector(1000, 1200)], {"axes": [0, 1]})


def selection() -> Iterator[OperatorCase]:
    """Operators that look for something."""
    for k in (5, 512):
        yield OperatorCase(
            "TopK",
            lambda k=k: [normal(*N), vector(k)],
            numpy=lambda x, k: largest(x, int(k[0])),
            outputs=2,
            variant=f"of rows, k {k}",
        )
    yield OperatorCase(
        "TopK",
        lambda: [normal(1 << 20), vector(100)],
        numpy=lambda x, k: largest(x, int(k[0])),
        outputs=2,
        variant="of all",
    )
    yield OperatorCase("NonZero", lambda: [normal(*N) > 0], numpy=lambda x: np.array(np.nonzero(x)))
    yield OperatorCase(
        "Compress", lambda: [normal(*N), normal(1024) > 0], {"axis": 0}, lambda x, c: np.compress(c, x, 0)
    )
    yield OperatorCase("Unique", lambda: [integers(0, 1000, 1 << 20)], numpy=np.unique, outputs=1)
    yield OperatorCase(
        "NonMaxSuppression",
        lambda: [boxes(8400), positive(1, 8, 8400), vector(100), np.float32([0.5]), np.float32([0.3])],
        version=11,
    )


def largest(x: Array, k: int) -> tuple[Array, Array]:
    """The k largest of the last axis in order, and their places."""
    places = np.argpartition(x, -k, -1)[..., -k:]
    values = np.take_along_axis(x, places, -1)
    order = np.argsort(-values, -1)
    return np.take_along_axis(values, order, -1), np.take_along_axis(places, order, -1)


def boxes(count: int) -> Array:
    """[1, count, 4]: corners of boxes in an image of 660 pixels."""
    corner = positive(1, count, 2) * 600
    return np.concatenate([corner, corner + positive(1, count, 2) * 60], -1)
