"""Traced tensors: what an operator's definition computes with, and the scheduler reads.

A `Tensor` is a description, not data: its element type, its shape (sizes may be symbolic), and the source
it comes from. Shape arithmetic is computed at once: a tensor whose value is known carries it in `value`,
where the elements of an integer tensor may be symbolic sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from jitrt import expr as ex
from jitrt.dims import Dim, Size, concrete, prod, same, settled
from jitrt.evaluate import evaluate
from jitrt.fold import fold_map
from jitrt.types import I64, format_type

if TYPE_CHECKING:
    from jitrt.codegen.kernel import Step
    from jitrt.layout import Array
    from jitrt.quantized import Quantized

Dtype = np.dtype[Any]
Value = np.ndarray[Any, Any]
Shape = tuple[Size, ...]
_serial = itertools.count()


@dataclass(eq=False)
class Input:
    """Input number `index` of the traced segment."""

    index: int


class Constant:
    """A known value, kept in `Tensor.value`."""


class Map(NamedTuple):
    """An elementwise function of tensors that broadcast to the result's shape; operand i is `load(i)`."""

    root: ex.Expr
    operands: tuple[Tensor, ...]


class Reduce(NamedTuple):
    """A reduction over `axes`, which stay in the shape with size 1."""

    kind: str
    operand: Tensor
    axes: tuple[int, ...]


class View(NamedTuple):
    """The base's elements in other places: `kind` is permute, slice, expand, reshape or reinterpret."""

    base: Tensor
    kind: str
    parameters: Any


class Concat(NamedTuple):
    """Tensors joined along `axis`."""

    operands: tuple[Tensor, ...]
    axis: int


class Call:
    """A kernel that is not generated from expressions: matrix products, convolutions, Numba kernels.

    The scheduler hands `steps` dense arrays in the order of `inputs`, unless `accepts` allows the
    layout an input already has.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    takes_epilogue = False
    strided_output = False

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Whether input `index` may stay in a layout that is not dense."""
        return False

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """The steps that compute the outputs."""
        raise NotImplementedError(self.name)

    def reference(self, inputs: Sequence[Value | None]) -> list[Value] | None:
        """The outputs by NumPy, for checks; None where there is no way but the kernel."""
        return None


@dataclass(eq=False)
class Output:
    """Output number `index` of a kernel call."""

    call: Call
    index: int


Source: TypeAlias = "Input | Constant | Map | Reduce | View | Concat | Output"


class Tensor:
    """A value of the traced program."""

    __slots__ = ("dtype", "node", "padding", "quantized", "serial", "shape", "source", "value")

    current_node = ""
    answers: list[Tensor] = []  # noqa: RUF012  what the current node had computed in the segments before

    def __init__(
        self, dtype: Dtype, shape: Iterable[Size], source: Source, value: Value | None = None
    ) -> None:
        self.dtype, self.source, self.value = np.dtype(dtype), source, value
        self.shape: Shape = tuple([settled(size) for size in shape])
        self.serial, self.node = next(_serial), Tensor.current_node
        self.padding: tuple[Tensor, list[Size], list[Size]] | None = None  # zeros around it, before and after
        self.quantized: Quantized | None = None  # what it was dequantised from

    def __repr__(self) -> str:
        return f"{format_type(self.dtype, concrete(self.shape))} {type(self.source).__name__.lower()}"

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Size:
        """Number of elements."""
        return prod(self.shape)

    @property
    def symbolic(self) -> bool:
        """Whether the value is known only in terms of symbolic sizes."""
        return self.value is not None and self.value.dtype == object and self.dtype != np.dtype(object)

    # movement

    def _view(self, shape: Iterable[Size], kind: str, parameters: Any, value: Value | None) -> Tensor:
        return Tensor(self.dtype, shape, View(self, kind, parameters) if value is None else Constant(), value)

    def reshape(self, shape: Sequence[Size]) -> Tensor:
        """The same elements in row-major order in another shape."""
        if _alike(shape, self.shape):
            return self
        if isinstance(self.source, View) and self.source.kind == "reshape":
            before = self.source.base
            if _alike(shape, before.shape):
                return before
        value = None
        if self.value is not None and not any(isinstance(s, Dim) for s in shape):
            value = self.value.reshape(tuple(int(s) for s in shape))
        return self._view(shape, "reshape", tuple(shape), value)

    def permute(self, order: Sequence[int]) -> Tensor:
        """Dimension i of the result is dimension `order[i]`."""
        order = tuple(order)
        if order == tuple(range(self.ndim)):
            return self
        value = None if self.value is None else self.value.transpose(order)
        return self._view((self.shape[i] for i in order), "permute", order, value)

    def expand(self, shape: Sequence[Size]) -> Tensor:
        """Broadcast to `shape`, as NumPy's `broadcast_to`. Raises ValueError where that cannot be."""
        for own, size in zip(self.shape, shape[len(shape) - self.ndim :], strict=True):
            if not same(own, 1) and not same(own, size) and own != size:
                raise ValueError(f"{self!r} does not broadcast to {_format(concrete(shape))}")
        if _alike(shape, self.shape):
            return self
        value = None
        if self.value is not None and not any(isinstance(s, Dim) for s in shape) and prod(shape) <= 4096:
            value = np.broadcast_to(self.value, tuple(int(s) for s in shape))
        return self._view(shape, "expand", tuple(shape), value)

    def slice(self, axis: int, start: Size, length: Size, step: int = 1) -> Tensor:
        """`length` elements along `axis`, from `start`, `step` apart."""
        if step == 1 and same(length, self.shape[axis]):
            return self
        shape = (*self.shape[:axis], length, *self.shape[axis + 1 :])
        value = None
        if self.value is not None and not isinstance(start, Dim) and not isinstance(length, Dim):
            picks = np.arange(length) * step + start
            value = np.take(self.value, picks, axis)
        return self._view(shape, "slice", (axis, start, step), value)

    def reinterpret(self, dtype: Dtype) -> Tensor:
        """The same bits as another element type of the same width."""
        if dtype == self.dtype:
            return self
        value = None if self.value is None or self.symbolic else self.value.view(dtype)
        source = View(self, "reinterpret", None) if value is None else Constant()
        return Tensor(dtype, self.shape, source, value)

    def unsqueeze(self, *axes: int) -> Tensor:
        """Insert dimensions of size 1 at `axes` of the result."""
        shape = list(self.shape)
        for axis in sorted(axes):
            shape.insert(axis, 1)
        return self.reshape(shape)

    def squeeze(self, *axes: int) -> Tensor:
        """Remove the dimensions `axes`, of size 1."""
        return self.reshape([s for i, s in enumerate(self.shape) if i not in axes])


class NeedsValueError(Exception):
    """An operator's definition must know the value of `tensor` to go on, with `kept` as they are by then."""

    def __init__(self, tensor: Tensor, kept: tuple[Tensor, ...] = ()) -> None:
        super().__init__(repr(tensor))
        self.tensor, self.kept = tensor, kept


class RunsOnHostError(Exception):
    """No kernel does what an operator's definition is asked for, but its NumPy form does."""


def constant(value: Any, dtype: Dtype | None = None) -> Tensor:
    """A tensor of known value; an object array of sizes needs its `dtype` named."""
    array = np.asarray(value)
    if array.dtype == object and dtype is not None and not any(isinstance(v, Dim) for v in array.flat):
        array = array.astype(dtype)
    return Tensor(dtype or array.dtype, array.shape, Constant(), array)


def sizes(values: Sequence[Size]) -> Tensor:
    """A one-dimensional int64 tensor of sizes, some of them perhaps symbolic."""
    array = np.empty(len(values), object)
    array[:] = list(values)
    return constant(array, I64)


def broadcast(*shapes: Shape) -> Shape:
    """The shape that several broadcast to. Raises ValueError where two sizes are neither equal nor 1."""
    rank = max(map(len, shapes), default=0)
    result: list[Size] = []
    for axis in range(-rank, 0):
        size: Size = 1
        for shape in shapes:
            if len(shape) < -axis or same(shape[axis], 1):
                continue
            if same(size, 1):
                size = shape[axis]
            elif shape[axis] != size:
                raise ValueError(f"shapes {', '.join(_format(concrete(s)) for s in shapes)} do not broadcast")
        result.append(size)
    return tuple(result)


def map_tensors(function: Callable[..., ex.Expr], *operands: Tensor | None) -> Tensor:
    """Apply a scalar function elementwise; an absent operand is passed as None."""
    given = [t for t in operands if t is not None]
    shape = broadcast(*(t.shape for t in given))
    folds = all(t.value is not None for t in given)
    present = [t for t in given if folds or not _is_scalar(t)]
    numbers = iter(range(len(present)))

    def argument(t: Tensor | None) -> ex.Expr | None:
        if t is None:
            return None
        scalar = not folds and _is_scalar(t)
        return _scalar(t) if scalar else ex.load(next(numbers), t.dtype)

    root = function(*map(argument, operands))
    if root.op == "load":
        only: Tensor = present[root.value]
        if only.shape == shape:
            return only
    value = fold_map(root, [t.value for t in present], shape)
    return Tensor(root.dtype, shape, map_of_used(root, present) if value is None else Constant(), value)


def map_of_used(root: ex.Expr, operands: Sequence[Tensor]) -> Map:
    """The function of those operands that it loads: the schedule shall not wait for the others."""
    used = ex.loads(root)
    if len(used) < len(operands):
        number = {old: new for new, old in enumerate(used)}
        root = ex.substitute(
            root, lambda node: ex.load(number[node.value], node.dtype) if node.op == "load" else None
        )
    return Map(root, tuple(operands[i] for i in used))


def _alike(a: Sequence[Size], b: Sequence[Size]) -> bool:
    """Whether two shapes are equal for every value of the symbols."""
    return len(a) == len(b) and all(map(same, a, b))


def _is_scalar(t: Tensor) -> bool:
    """Whether the tensor is one known number, which becomes part of the expression."""
    return t.value is not None and not t.symbolic and t.value.size == 1 and isinstance(t.source, Constant)


def _scalar(t: Tensor) -> ex.Expr:
    assert t.value is not None
    return ex.const(t.value.reshape(()), t.dtype)


def map_indices(function: Callable[..., ex.Expr], shape: Shape, *operands: Tensor) -> Tensor:
    """As `map_tensors` with a given shape; `function` takes an index expression per axis, then operands."""
    axes = [ex.index(i) for i in range(len(shape))]
    root = function(*axes, *(ex.load(i, t.dtype) for i, t in enumerate(operands)))
    return Tensor(root.dtype, shape, map_of_used(root, operands))


def reduce_tensor(x: Tensor, kind: str, axes: Sequence[int]) -> Tensor:
    """Combine over `axes`, keeping them with size 1; `kind` is one of `expr.REDUCTIONS`."""
    axes = tuple(sorted(a % x.ndim for a in axes if not same(x.shape[a], 1)))
    if not axes:
        return x
    shape = tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    value = None
    if x.value is not None and not x.symbolic:
        (value,) = evaluate([ex.reduce(ex.load(0, x.dtype), kind)], [x.value], axes)
    return Tensor(x.dtype, shape, Reduce(kind, x, axes) if value is None else Constant(), value)


def concatenate(operands: Sequence[Tensor], axis: int) -> Tensor:
    """Join along `axis`; empty operands are dropped."""
    kept = [t for t in operands if not same(t.shape[axis], 0)] or [operands[0]]
    if len(kept) == 1:
        return kept[0]
    shape = list(kept[0].shape)
    shape[axis] = sum((t.shape[axis] for t in kept[1:]), kept[0].shape[axis])
    value = None
    if all(t.value is not None for t in kept):
        value = np.concatenate([t.value for t in kept if t.value is not None], axis)
    return Tensor(kept[0].dtype, shape, Concat(tuple(kept), axis) if value is None else Constant(), value)


def known(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The tensor's value; it may hold symbolic sizes. Raises NeedsValueError where it is not known yet.

    The value may depend on data: the definition then runs again after the segment that computes it.
    """
    return known_with(tensor)[0]


def known_with(tensor: Tensor, *kept: Tensor) -> tuple[np.ndarray[Any, Any], tuple[Tensor, ...]]:
    """The value of a tensor that the operator computed, as `known` gives it, and the tensors `kept`.

    The segment that computes the value computes them as well, so that the next need not do it again.
    """
    if tensor.value is not None:
        return tensor.value, kept
    if not Tensor.answers:
        raise NeedsValueError(tensor, kept)
    answer, *rest = Tensor.answers[: 1 + len(kept)]
    del Tensor.answers[: 1 + len(kept)]
    assert answer.value is not None
    tensor.value = answer.value
    return tensor.value, tuple(rest)


def known_sizes(tensor: Tensor) -> list[Size]:
    """The elements of an integer tensor as sizes."""
    return [v if isinstance(v, Dim) else int(v) for v in known(tensor).ravel()]


def outputs_of(call: Call, types: Sequence[tuple[Dtype, Sequence[Size]]]) -> tuple[Tensor, ...]:
    """Give a call its output tensors."""
    call.outputs = tuple(Tensor(dtype, shape, Output(call, i)) for i, (dtype, shape) in enumerate(types))
    return call.outputs


def operands_of(tensor: Tensor) -> tuple[Tensor, ...]:
    """The tensors that a tensor is computed from."""
    match tensor.source:
        case Map(operands=operands) | Concat(operands=operands):
            return operands
        case Reduce(operand=operand) | View(base=operand):
            return (operand,)
        case Output(call=call):
            return call.inputs
        case _:
            return ()


def _format(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"
