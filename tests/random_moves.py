"""The moves of random graphs: each adds operators that follow from the value `x` of a shape.

What jumps where its input moves a little (a rounding, the index of a maximum) is left out: two libraries may
round apart. What could grow without end passes through Tanh.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, numpy_helper
from random_graph import RandomGraph, Shape, Size, UnfitError, move

UNARY = (
    "Relu Sigmoid Tanh Neg Abs Erf LeakyRelu HardSwish HardSigmoid Softsign Elu Softplus Gelu Mish Sin Cos"
)


def need(*conditions: bool) -> None:
    if not all(conditions):
        raise UnfitError


def changed(shape: Shape, axis: int, *sizes: Size) -> Shape:
    """The shape with other sizes in the place of an axis."""
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


def times(a: Size, b: Size) -> Size:
    return a * b if isinstance(a, int) and isinstance(b, int) else f"({a}*{b})"


def bounded(g: RandomGraph, x: str) -> str:
    return g.add("Tanh", [x], g.shapes[x])


# elementwise


@move(4)
def unary(g: RandomGraph, x: str, shape: Shape) -> None:
    g.add(g.pick(UNARY.split()), [x], shape)


@move(3)
def binary(g: RandomGraph, x: str, shape: Shape) -> None:
    y = g.pick([name for name, other in g.shapes.items() if other == shape])
    axes = [axis for axis in range(len(shape)) if g.chance(0.2)]
    if axes:
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        y = g.add("ReduceMean", [y, g.integers(*axes)], kept, keepdims=1)
    operands = [x, y] if g.chance(0.5) else [y, x]
    g.add(g.pick(["Add", "Sub", "Mul", "Max", "Min", "Mean"]), operands, shape)


@move(2)
def with_vector(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    own = [1] * len(shape)
    own[axis] = int(shape[axis])
    g.add(g.pick(["Add", "Mul", "PRelu"]), [x, g.weight(*own[g.pick([0, axis]) :], scale=0.8)], shape)


@move()
def limited(g: RandomGraph, x: str, shape: Shape) -> None:
    g.add("Clip", [x, g.constant(np.float32(-0.7)), g.constant(np.float32(0.9))], shape)


@move()
def through_double(g: RandomGraph, x: str, shape: Shape) -> None:
    (wide,) = g.raw("Cast", [x], to=TensorProto.DOUBLE)
    g.add("Cast", [wide], shape, to=TensorProto.FLOAT)


@move()
def chosen(g: RandomGraph, x: str, shape: Shape) -> None:
    (condition,) = g.raw(g.pick(["Greater", "LessOrEqual"]), [x, g.constant(np.float32(0.21))])
    other = g.constant(np.float32(-0.5)) if g.chance(0.5) else g.add("Sigmoid", [x], shape)
    g.add("Where", [condition, x, other], shape)


# products


@move(3)
def matrix(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) >= 2)
    need(isinstance(shape[-1], int))
    k, n = int(shape[-1]), g.pick([1, 3, 8, 16, 33])
    if len(shape) == 2 and g.chance(0.5):
        g.add("Gemm", [x, g.weight(n, k), g.weight(n)], (shape[0], n), transB=1)
        return
    y = g.add("MatMul", [x, g.weight(k, n, scale=k**-0.5)], (*shape[:-1], n))
    if g.chance(0.6):
        g.add("Add", [y, g.weight(n)], (*shape[:-1], n))


@move()
def with_its_transpose(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) >= 2)
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    turned = g.add("Transpose", [x], [shape[i] for i in order], perm=order)
    scores = g.add("MatMul", [x, turned], (*shape[:-1], shape[-2]))
    scaled = g.add("Mul", [scores, g.constant(np.float32(0.2))], g.shapes[scores])
    weights = g.add("Softmax", [scaled], g.shapes[scores], axis=-1)
    g.add("MatMul", [weights, x], shape)


@move(2)
def attention(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) == 3)
    need(isinstance(shape[-1], int))
    batch, length, width = shape[0], shape[1], int(shape[2])
    need(width % 2 == 0)

    def heads(order: list[int]) -> str:
        y = g.add("MatMul", [x, g.weight(width, width, scale=0.4)], shape)
        split = (batch, length, 2, width // 2)
        y = g.add("Reshape", [y, g.integers(0, 0, 2, width // 2)], split)
        return g.add("Transpose", [y], [split[i] for i in order], perm=order)

    scores = g.add("MatMul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])], (batch, 2, length, length))
    if g.chance(0.5):
        (sizes,) = g.raw("Slice", [*g.raw("Shape", [scores]), g.integers(2), g.integers(4)])
        low = numpy_helper.from_array(np.float32([-1e4]))
        (mask,) = g.raw("Trilu", [*g.raw("ConstantOfShape", [sizes], value=low), g.constant(np.int64(1))])
        scores = g.add("Add", [scores, mask], g.shapes[scores])
    weights = g.add("Softmax", [scores], g.shapes[scores], axis=-1)
    y = g.add("MatMul", [weights, heads([0, 2, 1, 3])], (batch, 2, length, width // 2))
    y = g.add("Transpose", [y], (batch, length, 2, width // 2), perm=[0, 2, 1, 3])
    g.add("Reshape", [y, g.integers(0, 0, width)], shape)


@move()
def einsum(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) == 3)
    bounded(g, g.add("Einsum", [x, x], (shape[0], shape[1], shape[1]), equation="bij,bkj->bik"))


# images


@move(3)
def convolution(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) in (3, 4))
    need(isinstance(shape[1], int))
    channels, rank = int(shape[1]), len(shape) - 2
    group = g.pick([1, 1, channels, 2 if channels % 2 == 0 else 1])
    is_small = any(isinstance(size, int) and size < 3 for size in shape[2:])
    kernel, stride = 1 if is_small else g.pick([1, 3, 3, 5]), g.pick([1, 1, 2])
    dilation = g.pick([1, 2]) if kernel == 3 else 1
    pad = (kernel - 1) * dilation // 2
    window = {"kernel_shape": [kernel] * rank, "strides": [stride] * rank, "dilations": [dilation] * rank}
    window |= {"pads": [pad] * 2 * rank, "group": group}
    if g.chance(0.25):
        outputs = group * g.pick([1, 2, 4])
        reach = dilation * (kernel - 1) + 1 - 2 * pad
        sizes = [
            f"t{stride}.{reach}.{n}" if isinstance(n, str) else (n - 1) * stride + reach for n in shape[2:]
        ]
        weights = g.weight(channels, outputs // group, *[kernel] * rank)
        g.add("ConvTranspose", [x, weights, g.weight(outputs)], (shape[0], outputs, *sizes), **window)
        return
    outputs = group * g.pick([1, 2, 4]) if group > 1 else g.pick([1, 4, 8, 16, 24])
    weights = g.weight(outputs, channels // group, *[kernel] * rank)
    bias = [g.weight(outputs)] if g.chance(0.6) else []
    g.add("Conv", [x, weights, *bias], (shape[0], outputs, *strided(shape[2:], stride)), **window)


def strided(sizes: Shape, stride: int) -> list[Size]:
    if stride == 1:
        return list(sizes)
    return [f"c{stride}.{n}" if isinstance(n, str) else (n - 1) // stride + 1 for n in sizes]


@move()
def pool(g: RandomGraph, x: str, shape: Shape) -> None:
    rank = len(shape) - 2
    need(rank in (1, 2), not any(isinstance(size, int) and size < 3 for size in shape[2:]))
    stride = g.pick([1, 2])
    window = {"kernel_shape": [3] * rank, "strides": [stride] * rank, "pads": [1] * 2 * rank}
    sizes = (*shape[:2], *strided(shape[2:], stride))
    match g.pick(["MaxPool", "AveragePool", "GlobalAveragePool"]):
        case "MaxPool":
            g.add("MaxPool", [x], sizes, **window)
        case "AveragePool":
            g.add("AveragePool", [x], sizes, count_include_pad=g.pick([0, 1]), **window)
        case _:
            g.add("GlobalAveragePool", [x], (*shape[:2], *[1] * rank))


@move()
def enlarged(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) == 4, not any(isinstance(size, int) and size > 40 for size in shape[2:]))
    doubled = (*shape[:2], *(times(2, size) for size in shape[2:]))
    scales = ["", g.constant(np.float32([1, 1, 2, 2]))]
    if g.chance(0.5):
        means = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        g.add("Resize", [x, *scales], doubled, mode="nearest", **means)
    else:
        where = g.pick(["half_pixel", "align_corners", "asymmetric"])
        g.add("Resize", [x, *scales], doubled, mode="linear", coordinate_transformation_mode=where)


# sums along axes


@move(3)
def reduced(g: RandomGraph, x: str, shape: Shape) -> None:
    axes = sorted({g.axis(shape) for _ in range(2)})
    keeps = g.pick([0, 1])
    sizes = [1 if axis in axes else n for axis, n in enumerate(shape) if keeps or axis not in axes]
    kind = g.pick(["Mean", "Sum", "Max", "Min", "L1", "L2", "LogSumExp", "SumSquare"])
    y = g.add(f"Reduce{kind}", [x, g.integers(*axes)], sizes, keepdims=keeps)
    if kind in ("Sum", "L1", "SumSquare"):
        bounded(g, y)


@move(2)
def softmax(g: RandomGraph, x: str, shape: Shape) -> None:
    g.add(g.pick(["Softmax", "LogSoftmax"]), [x], shape, axis=g.axis(shape))


@move(2)
def normalised(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) >= 3)
    kind = g.pick(["Layer", "Batch", "Instance"])
    size = shape[-1 if kind == "Layer" else 1]
    need(isinstance(size, int))
    parameters = [g.weight(int(size), scale=1) for _ in range(2)]
    if kind == "Batch":
        variance = g.constant(np.float32(g.rng.random(int(size)) + 0.5))
        parameters += [g.weight(int(size), scale=1), variance]
    g.add(f"{kind}Normalization", [x, *parameters], shape, epsilon=1e-2)


@move()
def running_sum(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.constant(np.int64(g.axis(shape)))
    bounded(g, g.add("CumSum", [x, axis], shape, exclusive=g.pick([0, 1]), reverse=g.pick([0, 1])))


@move()
def largest(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    count = int(g.rng.integers(1, int(shape[axis]) + 1))
    values, _ = g.raw("TopK", [x, g.integers(count)], 2, axis=axis)
    g.shapes[values] = changed(shape, axis, count)


@move()
def positive_numbers(g: RandomGraph, x: str, shape: Shape) -> None:
    """How many there are only the data tell."""
    need(len(shape) > 0)
    (condition,) = g.raw("Greater", [x, g.constant(np.float32(0.1))])
    (places,) = g.raw("Transpose", g.raw("NonZero", [condition]), perm=[1, 0])
    (found,) = g.raw("GatherND", [x, places])
    (some,) = g.raw("Concat", [found, g.constant(np.float32([-2]))], axis=0)
    g.add("ReduceMax", [some], (), keepdims=0)
