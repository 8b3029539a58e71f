"""Derivatives of traced tensors: one rule for each kind of source, walked from the outputs back.

https://arxiv.org/abs/1502.05767 (reverse accumulation)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from jitrt.calls import NumbaCall, cast_tensor
from jitrt.dims import Size, prod, same
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.expr import cast, eq, load, where
from jitrt.expr_gradient import derivatives
from jitrt.products import MatrixProduct
from jitrt.tensor import (
    Call,
    Concat,
    Map,
    Output,
    Reduce,
    Tensor,
    View,
    concatenate,
    constant,
    map_of_used,
    map_tensors,
    operands_of,
    reduce_tensor,
)
from jitrt.types import BF16, F16, F32

Parts = Iterable[tuple[Tensor, Tensor]]  # operands, and what they get of an adjoint
Rule = TypeVar("Rule", bound=Callable[[Call, Sequence[Tensor | None]], Parts])
_kernel_rules: dict[Callable[..., Any], Callable[..., Parts]] = {}

_wanted: ContextVar[bool] = ContextVar("gradients", default=False)


@contextmanager
def for_gradients() -> Iterator[None]:
    """Operators that are traced in the block are for derivatives."""
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


def wants_gradients() -> bool:
    """Whether an operator that is traced now must be composed of what has a derivative."""
    return _wanted.get()


def gradient_of(kernel: Callable[..., Any]) -> Callable[[Rule], Rule]:
    """Decorator: the function gives the parts of a Numba kernel's inputs from the adjoints of its outputs."""

    def register(rule: Rule) -> Rule:
        _kernel_rules[kernel] = rule
        return rule

    return register


def gradients(
    outputs: Sequence[Tensor], seeds: Sequence[Tensor | None], inputs: Sequence[Tensor]
) -> list[Tensor | None]:
    """For each input the sum over outputs of `seed` times the derivative by it; None where that is zero.

    Raises NotImplemented for a kernel without a rule.
    """
    order = _between(inputs, outputs)
    depending = set(map(id, order))
    adjoints: dict[int, Tensor] = {}

    def add(tensor: Tensor, part: Tensor) -> None:
        if id(tensor) in depending:
            other = adjoints.get(id(tensor))
            adjoints[id(tensor)] = part if other is None else map_tensors(lambda a, b: a + b, other, part)

    for output, seed in zip(outputs, seeds, strict=True):
        if seed is not None:
            add(output, seed)
    first_outputs: dict[Call, Tensor] = {}
    for tensor in order:
        if isinstance(tensor.source, Output):
            first_outputs.setdefault(tensor.source.call, tensor)
    for tensor in reversed(order[len(inputs) :]):
        if isinstance(tensor.source, Output):
            call = tensor.source.call
            if first_outputs[call] is not tensor:
                continue  # its siblings may still get something
            parts = _call_parts(call, [adjoints.get(id(t)) for t in call.outputs])
        else:
            parts = _parts(tensor, adjoints[id(tensor)]) if id(tensor) in adjoints else ()
        for operand, part in parts:
            add(operand, part)
    return [adjoints.get(id(x)) for x in inputs]


def _between(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs, then what follows from them and leads to the outputs, operands first."""
    follows = {id(x): True for x in inputs}
    order = list(inputs)
    stack = [(output, False) for output in outputs]
    while stack:
        tensor, expanded = stack.pop()
        if id(tensor) in follows:
            continue
        operands = [t for t in operands_of(tensor) if t is not None]
        if expanded:
            follows[id(tensor)] = any(follows[id(t)] for t in operands)
            order += [tensor] if follows[id(tensor)] else []
        else:
            stack.append((tensor, True))
            stack.extend((t, False) for t in operands)
    return order


def _parts(tensor: Tensor, g: Tensor) -> Parts:
    """The parts of the operands of a tensor that no kernel computes."""
    match tensor.source:
        case Map():
            return _map_parts(tensor, tensor.source, g)
        case Reduce(kind=kind, operand=x, axes=axes):
            return [(x, _reduce_part(kind, x, axes, tensor, g))]
        case View(base=base, kind=kind, parameters=parameters):
            return [(base, _view_part(base, kind, parameters, g))]
        case Concat(operands=operands, axis=axis):
            starts = [sum((t.shape[axis] for t in operands[:i]), 0) for i in range(len(operands))]
            pairs = zip(operands, starts, strict=True)
            return [(t, g.slice(axis, start, t.shape[axis])) for t, start in pairs]
    raise NotImplementedHere(f"{tensor.node}: the gradient of {tensor}")


def _map_parts(tensor: Tensor, source: Map, g: Tensor) -> Parts:
    try:
        found = derivatives(source.root, load(len(source.operands), tensor.dtype))
    except NotImplementedError as error:
        raise NotImplementedHere(f"{tensor.node}: {error}") from None
    for index, root in found.items():
        part = Tensor(root.dtype, tensor.shape, map_of_used(root, (*source.operands, g)))
        yield source.operands[index], sum_to(part, source.operands[index].shape)


def sum_to(x: Tensor, shape: Sequence[Size]) -> Tensor:
    """The sum over the dimensions along which a tensor of that shape was repeated to become like x."""
    lead = x.ndim - len(shape)
    axes = [a for a in range(x.ndim) if a < lead or (same(shape[a - lead], 1) and not same(x.shape[a], 1))]
    if not axes:
        return x
    wide = cast_tensor(x, F32) if x.dtype in (F16, BF16) else x
    return cast_tensor(reduce_tensor(wide, "sum", axes), x.dtype).reshape(tuple(shape))


def _reduce_part(kind: str, x: Tensor, axes: Sequence[int], y: Tensor, g: Tensor) -> Tensor:
    if kind == "sum":
        return g.expand(x.shape)
    if kind in ("max", "min"):  # equal extrema share
        count = reduce_tensor(map_tensors(lambda x, y: cast(eq(x, y), x.dtype), x, y), "sum", axes)
        return map_tensors(lambda x, y, g, n: where(eq(x, y), g / n, 0), x, y, g, count)
    zeros = reduce_tensor(map_tensors(lambda x: cast(eq(x, 0), x.dtype), x), "sum", axes)
    others = reduce_tensor(map_tensors(lambda x: where(eq(x, 0), 1, x), x), "prod", axes)
    return map_tensors(
        lambda x, y, g, n, p: g * where(eq(n, 0), y / x, where(eq(n, 1) & eq(x, 0), p, 0)),
        *(x, y, g, zeros, others),
    )


def _view_part(base: Tensor, kind: str, parameters: Any, g: Tensor) -> Tensor:
    if kind == "permute":
        return g.permute([parameters.index(axis) for axis in range(g.ndim)])
    if kind == "expand":
        return sum_to(g, base.shape)
    if kind == "slice":
        axis, start, step = parameters
        return _spread(g, axis, start, step, base.shape[axis])
    return g.reshape(base.shape) if kind == "reshape" else g  # a reinterpretation is undone further on


def _spread(g: Tensor, axis: int, start: Size, step: int, size: Size) -> Tensor:
    """Zeros [..., size, ...] with g at positions start, start + step, ..."""
    count = g.shape[axis]
    if same(count, 0):
        return _zeros(g, axis, size)
    if step < 0:
        start, step = start + (count - 1) * step, -step
        g = g.slice(axis, count - 1, count, -1)
    if step > 1:
        apart = g.unsqueeze(axis + 1)
        apart = concatenate([apart, _zeros(apart, axis + 1, step - 1)], axis + 1)
        g = apart.reshape([*g.shape[:axis], count * step, *g.shape[axis + 1 :]])
        g = g.slice(axis, 0, (count - 1) * step + 1)
    after = size - start - g.shape[axis]
    return concatenate([_zeros(g, axis, start), g, _zeros(g, axis, after)], axis)


def _zeros(like: Tensor, axis: int, size: Size) -> Tensor:
    """Zeros of a shape that differs along one axis."""
    zero = constant(np.zeros([1] * like.ndim, like.dtype))
    return zero.expand([*like.shape[:axis], size, *like.shape[axis + 1 :]])


def _call_parts(call: Call, adjoints: Sequence[Tensor | None]) -> Parts:
    """The parts of a kernel's inputs."""
    if all(g is None for g in adjoints):
        return ()
    if isinstance(call, MatrixProduct):
        (g,) = adjoints
        assert g is not None
        return _product_parts(call, g)
    rule = _kernel_rules.get(call.function) if isinstance(call, NumbaCall) else None
    if rule is None:
        raise NotImplementedHere(f"{call.outputs[0].node}: the gradient of the kernel {call.name}")
    return rule(call, adjoints)


def _product_parts(call: MatrixProduct, g: Tensor) -> Parts:
    a, bias = call.inputs[0], call.inputs[-1]
    b = call.inputs[1] if call.packed is None else constant(call.packed.source)
    yield a, sum_to(_product(g, _transposed(b)), a.shape)
    if b.ndim == 2:  # one product over all rows of the batch
        rows = prod(g.shape[:-1])
        a, g = a.reshape([rows, a.shape[-1]]), g.reshape([rows, g.shape[-1]])
    yield b, sum_to(_product(_transposed(a), g), b.shape)
    if bias is not None:
        yield bias, sum_to(g, bias.shape)


def _product(a: Tensor, b: Tensor) -> Tensor:
    return MatrixProduct(a, cast_tensor(b, a.dtype), None, a.dtype).outputs[0]


def _transposed(x: Tensor) -> Tensor:
    return x.permute([*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])
