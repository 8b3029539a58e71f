"""Attention found in a trace: two matrix products, and between them a group that reduces along the keys.

    scores = MatMul(Q, K')              # Q [..., s, d], K' [..., d, t]
    weights = one group over scores     # softmax, with what scales, masks and corrects it
    Y = MatMul(weights, V)              # V [..., t, e]

However a model spells it, `fuse` leaves this shape. It becomes one kernel where nothing else reads the scores
or the weights. Heads that share keys may be rows of one product: [batch, groups, heads * s, d] for scores
[batch, groups * heads, s, t].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jitrt.codegen.kernel import Step
from jitrt.codegen.loop import Operand
from jitrt.dims import Size, same
from jitrt.expr import Expr, load, substitute
from jitrt.fuse import Fusion, Group, Unit
from jitrt.layout import Array, broadcast_strides
from jitrt.products import MatrixProduct
from jitrt.tensor import Call, Map, Output, Shape, Tensor, View
from jitrt.trace import ANY_SIZE
from jitrt.types import F32, F64

if TYPE_CHECKING:
    from jitrt.codegen.attention import Heads

# fewer leave lanes idle, unless there are as few keys; what is traced for any size, from one query, has fewer
FEWEST_QUERIES = ANY_SIZE + 1


class Factor(NamedTuple):
    """Queries or keys: a tensor times a number. `group` multiplies them, unless the number is 1."""

    tensor: Tensor
    number: float
    group: Group | None


class AttentionCall(Call):
    """`Y = weights(Q K') V`; keys and values are read where they are.

    `heads` are the groups and the heads in each where heads are rows of one product, else empty. `weights` is
    set by the scheduler: an expression over the score, `load(0)`, and the leaves, from `load(1)` on. A factor
    of queries or keys is one of the scores.
    """

    name = "Attention"
    strided_output = True
    weights: Expr

    def __init__(
        self,
        scores: MatrixProduct,
        group: Group,
        values: MatrixProduct,
        heads: tuple[int, ...],
        factors: Sequence[Factor],
    ) -> None:
        self.group = group
        self.parts: tuple[Unit, ...] = (scores, group, values, *(f.group for f in factors if f.group))
        self.heads = heads
        self.factor = math.prod(f.number for f in factors)
        self.space: Shape = group.space
        self.leaves = [t for t in group.leaves() if t is not group.viewed]
        q, k = (f.tensor for f in factors)
        k = k.permute((*range(k.ndim - 2), k.ndim - 1, k.ndim - 2))
        if heads:
            q = _reshaped(q, (*self.space[:-1], q.shape[-1]))
        self.inputs = (q, k, values.inputs[1], *self.leaves)
        self.outputs = values.outputs
        members = sorted(group.members.values(), key=lambda t: t.serial)
        computed = (*scores.outputs, *members, *values.outputs)
        self.nodes = tuple(dict.fromkeys(t.node for t in computed))

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Matrices have adjacent columns; operands of the weights may lie in any way."""
        return index > 2 or same(strides[-1], 1) or same(shape[-1], 1)

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step."""
        from jitrt.codegen.attention import Heads, attention_step  # as many models have none

        q, k, v, *leaves = (a for a in inputs if a is not None)
        *lead, s, t = self.space
        if self.heads:
            lead[1:] = self.heads

        def placed(array: Array, own: Sequence[Size]) -> Heads:
            """An array [..., rows, columns] that has strides `own` along the batch."""
            row, column = (
                0 if same(n, 1) else stride
                for n, stride in zip(array.shape[-2:], array.strides[-2:], strict=True)
            )
            return Heads(array.ref, array.dtype, _three(own, 0), row, column)

        score = load(0, q.dtype)
        weights = self.weights if self.factor == 1 else _with_leaf(self.weights, score * self.factor)
        operands = []
        for leaf in leaves:
            strides = broadcast_strides(leaf.shape, leaf.strides, self.space)
            array = Array(leaf.dtype, self.space, strides, leaf.ref)
            rows = tuple(_pattern(stride) for stride in strides[-2:])
            operands.append((placed(array, self._split(strides[:-2])), Operand(leaf.dtype, rows)))
        return [
            attention_step(
                placed(q, self._split(_over(q, self.space))),
                placed(k, self._shared(k)),
                placed(v, self._shared(v)),
                placed(outputs[0], self._joined(outputs[0])),
                weights,
                operands,
                batch=_three(lead, 1),
                s=s,
                t=t,
                d=q.shape[-1],
                e=v.shape[-1],
                label=self.name,
            )
        ]

    def _split(self, strides: Sequence[Size]) -> Sequence[Size]:
        """Strides along [batch, heads] as along [batch, groups, heads in each]."""
        if not self.heads:
            return strides
        return strides[0], strides[1] * self.heads[1], strides[1]

    def _shared(self, array: Array) -> Sequence[Size]:
        """The strides of keys or values [batch, groups, t, d], which the heads of a group share."""
        if not self.heads:
            return _over(array, self.space)
        return (*_over(array, (self.space[0], *self.heads[:1], 0, 0)), 0)

    def _joined(self, array: Array) -> Sequence[Size]:
        """The strides of the result, whose heads in a group may be joined with its rows."""
        if not self.heads:
            return _over(array, self.space)
        return (*_over(array, array.shape), array.strides[-2] * self.space[-2])


def _three(values: Sequence[Size], missing: Size) -> tuple[Size, Size, Size]:
    """At most three values, preceded by `missing` where there are fewer."""
    outer, middle, inner = [missing] * (3 - len(values)) + list(values)
    return outer, middle, inner


def _over(array: Array, space: Shape) -> tuple[Size, ...]:
    """The strides along the batch, 0 where the array repeats."""
    return broadcast_strides(array.shape[:-2], array.strides[:-2], space[:-2])


def _pattern(stride: Size) -> int | None:
    return 0 if same(stride, 0) else 1 if same(stride, 1) else None


def _reshaped(tensor: Tensor, shape: Shape) -> Tensor:
    """The tensor in a shape that it may have had before it was reshaped."""
    source = tensor.source
    if isinstance(source, View) and source.kind == "reshape" and _equal(source.base.shape, shape):
        return source.base
    return tensor.reshape(shape)


def join_attention(fusion: Fusion, outputs: Sequence[Tensor]) -> Fusion:
    """The same units, where those that are attention are one."""
    kept = {t.serial for t in outputs}
    groups = {unit.root.serial: unit for unit, _ in fusion.units if isinstance(unit, Group)}
    joined: dict[int, AttentionCall] = {}
    taken: set[int] = set()
    for unit, _ in fusion.units:
        found = _attention(unit, fusion.users, kept, groups) if isinstance(unit, Group) else None
        if found is not None:
            joined[found.outputs[0].serial] = found
            taken |= {id(part) for part in found.parts}
    if not joined:
        return fusion
    units: list[tuple[Unit, Tensor]] = [pair for pair in fusion.units if id(pair[0]) not in taken]
    for unit, _ in units:
        if isinstance(unit, Group) and unit.call is not None and unit.call.serial in joined:
            unit.call = unit.viewed = None
    units += [(call, call.outputs[0]) for call in joined.values()]
    units.sort(key=lambda pair: pair[1].serial)
    return Fusion(units, fusion.users)


def _attention(
    group: Group, users: dict[int, list[Tensor]], kept: set[int], groups: dict[int, Group]
) -> AttentionCall | None:
    """The attention of which the group computes the weights; `groups` by their roots."""
    root, space = group.root, group.space
    rank = len(space)
    if group.call is not None or group.axes != (rank - 1,) or not 2 <= rank <= 5:
        return None
    if root.dtype not in (F32, F64) or not _equal(root.shape, space) or root.serial in kept:
        return None

    def only_reader(tensor: Tensor) -> Tensor | None:
        readers = users[tensor.serial]
        return readers[0] if len(readers) == 1 and tensor.serial not in kept else None

    weights, reader = root, only_reader(root)
    while reader is not None and isinstance(reader.source, View) and reader.source.kind == "reshape":
        weights, reader = reader, only_reader(reader)
    values = None if reader is None else _product(reader)
    if values is None or values.inputs[0] is not weights or values.inputs[1] is weights:
        return None
    for leaf in group.leaves():
        scores = _scores(leaf, group, users, kept)
        if scores is None:
            continue
        heads = _heads(scores.shape, weights.shape, space)
        if heads is None or not _fits(scores, values, root):
            return None
        if not same(space[-2], space[-1]) and space[-2] < FEWEST_QUERIES:
            return None
        group.viewed = leaf
        factors = [_without_factor(t, users, kept, groups) for t in scores.inputs[:2]]
        return AttentionCall(scores, group, values, heads, factors)
    return None


def _without_factor(
    tensor: Tensor, users: dict[int, list[Tensor]], kept: set[int], groups: dict[int, Group]
) -> Factor:
    """What is multiplied by a constant in a kernel of its own, only to be read by the product."""
    group = groups.get(tensor.serial)
    if group is not None and isinstance(tensor.source, Map) and group.call is None:
        alone = len(group.members) == 1 and len(users[tensor.serial]) == 1 and tensor.serial not in kept
        root = tensor.source.root
        if alone and root.op == "mul" and {x.op for x in root.args} == {"load", "const"}:
            (number,) = (x.value for x in root.args if x.op == "const")
            (base,) = tensor.source.operands
            users[base.serial] = [users[tensor.serial][0] if t is tensor else t for t in users[base.serial]]
            return Factor(base, float(number), group)
    return Factor(tensor, 1.0, None)


def _with_leaf(root: Expr, leaf: Expr) -> Expr:
    """The expression over another `load(0)`."""
    return substitute(root, lambda node: leaf if node.op == "load" and node.value == 0 else None)


def _scores(
    leaf: Tensor, group: Group, users: dict[int, list[Tensor]], kept: set[int]
) -> MatrixProduct | None:
    """The product whose result the leaf is, reshaped perhaps, where only the group reads that."""
    if not _equal(leaf.shape, group.space) or any(u.serial not in group.members for u in users[leaf.serial]):
        return None
    while leaf.serial not in kept:
        if isinstance(leaf.source, View) and leaf.source.kind == "reshape":
            leaf = leaf.source.base
            if len(users[leaf.serial]) != 1:
                return None
        else:
            return _product(leaf)
    return None


def _product(tensor: Tensor) -> MatrixProduct | None:
    """The product of two matrices in memory, without a bias, that computes the tensor."""
    source = tensor.source
    if not isinstance(source, Output) or type(source.call) is not MatrixProduct:
        return None
    call = source.call
    return call if call.packed is None and call.inputs[2] is None else None


def _heads(scores: Shape, weights: Shape, space: Shape) -> tuple[int, ...] | None:
    """Empty where both products are over the group's space; the groups and the heads in each; or None."""
    if _equal(scores, space) and _equal(weights, space):
        return ()
    if len(space) != 4 or not _equal(scores, weights) or len(scores) != 4 or not same(scores[0], space[0]):
        return None
    groups, heads = scores[1], space[1]
    if not isinstance(groups, int) or not isinstance(heads, int) or heads % groups:
        return None
    shared = heads // groups
    return (groups, shared) if same(scores[2], space[2] * shared) and same(scores[3], space[3]) else None


def _fits(scores: MatrixProduct, values: MatrixProduct, weights: Tensor) -> bool:
    """Whether there is one element type, and no more results than weights."""
    inputs = (*scores.inputs[:2], *values.inputs[:2], scores.outputs[0], values.outputs[0])
    alike = all(t is not None and t.dtype == weights.dtype for t in inputs)
    return alike and _equal(values.shape[:-2], values.inputs[0].shape[:-2])


def _equal(a: Sequence[Size], b: Sequence[Size]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))
