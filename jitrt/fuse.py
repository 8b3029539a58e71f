"""Which tensors are computed together: the grouping of a trace into kernels.

A group is one generated kernel. It computes one tensor, its root, over an index space; maps and reductions
that only the group reads are members, computed on the fly. A reduction joins when it runs over the group's
space, so softmax or layer normalisation, however a model spells them, become one kernel. A kernel call
(matrix product, convolution) that only one group of maps reads takes the group as its epilogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jitrt.codegen.kernel import Buffer, Ref
from jitrt.dims import Size, same
from jitrt.expr import Expr, is_indexed, load, reduce, substitute
from jitrt.layout import Array, dense_strides
from jitrt.reach import reachable, users_of
from jitrt.reshapes import undo_reshapes
from jitrt.tensor import Call, Concat, Map, Output, Reduce, Shape, Tensor, View, operands_of
from jitrt.types import I8, U8

MAX_OPERANDS = 16


@dataclass(eq=False)
class Group:
    """A generated kernel: the tensors it computes over `space`, reducing over `axes`."""

    root: Tensor
    space: Shape
    axes: tuple[int, ...] | None
    members: dict[int, Tensor] = field(default_factory=dict)
    call: Tensor | None = None  # the kernel call's output whose epilogue this is,
    viewed: Tensor | None = None  # and that output as the group's maps see it

    def leaves(self) -> list[Tensor]:
        """The tensors that the members read and the group does not compute, each once."""
        found: dict[int, Tensor] = {}
        for member in sorted(self.members.values(), key=lambda t: t.serial):
            for operand in operands_of(member):
                if operand.serial not in self.members:
                    found.setdefault(operand.serial, operand)
        return list(found.values())

    def expression(self, leaves: Sequence[Tensor], first: int) -> Expr:
        """The root as one expression over the leaves, numbered from `first`; the call's result is load(0)."""
        made: dict[int, Expr] = {t.serial: load(i + first, t.dtype) for i, t in enumerate(leaves)}
        if self.viewed is not None:
            made[self.viewed.serial] = load(0, self.viewed.dtype)
        for member in sorted(self.members.values(), key=lambda t: t.serial):
            operands = [made[t.serial] for t in operands_of(member)]
            if isinstance(member.source, Reduce):
                made[member.serial] = reduce(operands[0], member.source.kind)
            else:
                assert isinstance(member.source, Map)
                lead = len(self.space) - member.ndim
                made[member.serial] = _replace_leaves(member.source.root, operands, lead)
        return made[self.root.serial]


def _replace_leaves(root: Expr, operands: Sequence[Expr], lead: int) -> Expr:
    def replacement(node: Expr) -> Expr | None:
        if node.op == "load":
            leaf: Expr = operands[node.value]
            return leaf
        if node.op == "index" and lead:
            return Expr("index", (), node.dtype, node.value + lead)
        return None

    return substitute(root, replacement)


Unit = Group | Call | Concat


@dataclass
class Fusion:
    """The units of a trace in execution order, and who reads each tensor."""

    units: list[tuple[Unit, Tensor]]
    users: dict[int, list[Tensor]]


def fuse(outputs: Iterable[Tensor]) -> Fusion:
    """Group everything that the outputs need."""
    outputs = list(outputs)
    undo_reshapes(outputs)
    tensors = reachable(outputs)
    users = users_of(tensors)
    kept = {t.serial for t in outputs}
    group_of: dict[int, Group] = {}
    units: list[tuple[Unit, Tensor]] = []
    with_epilogue: set[int] = set()
    for tensor in tensors:  # consumers first
        match tensor.source:
            case Map() | Reduce():
                group = _shared_group(users[tensor.serial], group_of)
                if tensor.serial in kept or group is None or not _join(group, tensor):
                    group = _new_group(tensor)
                    units.append((group, tensor))
                group_of[tensor.serial] = group
            case Output(call=call) if call.takes_epilogue and len(call.outputs) == 1:
                viewed = _through_views(tensor, users, kept)
                group = None if viewed is None else _shared_group(users[viewed.serial], group_of)
                if viewed is not None and group is not None and _takes(group, tensor, viewed):
                    group.call, group.viewed = tensor, viewed
                    with_epilogue.add(id(call))
            case Concat() as concat:
                units.append((concat, tensor))
    units += [unit for unit in _calls(tensors) if id(unit[0]) not in with_epilogue]
    units.sort(key=lambda unit: unit[1].serial)
    return Fusion(units, users)


def separate(outputs: Iterable[Tensor]) -> Fusion:
    """Every map, reduction and call that the outputs need, each in a kernel of its own."""
    tensors = reachable(list(outputs))
    units: list[tuple[Unit, Tensor]] = [*_calls(tensors)]
    for tensor in tensors:
        if isinstance(tensor.source, (Map, Reduce)):
            units.append((_new_group(tensor), tensor))
        elif isinstance(tensor.source, Concat):
            units.append((tensor.source, tensor))
    units.sort(key=lambda unit: unit[1].serial)
    return Fusion(units, users_of(tensors))


def _calls(tensors: Iterable[Tensor]) -> list[tuple[Call, Tensor]]:
    """The kernel calls, each with its first output."""
    calls = {id(t.source.call): t.source.call for t in tensors if isinstance(t.source, Output)}
    return [(call, min(call.outputs, key=lambda t: t.serial)) for call in calls.values()]


def _new_group(tensor: Tensor) -> Group:
    if isinstance(tensor.source, Reduce):
        space, axes = tensor.source.operand.shape, tensor.source.axes
        return Group(tensor, space, axes, {tensor.serial: tensor})
    return Group(tensor, tensor.shape, None, {tensor.serial: tensor})


def _shared_group(users: Sequence[Tensor], group_of: dict[int, Group]) -> Group | None:
    """The one group that computes all users, or None."""
    groups = {id(group_of.get(u.serial)): group_of.get(u.serial) for u in users}
    return next(iter(groups.values())) if len(groups) == 1 else None


def _join(group: Group, tensor: Tensor) -> bool:
    """Make the tensor a member of the group that reads it, if one kernel can compute both."""
    source = tensor.source
    if len(group.leaves()) + len(operands_of(tensor)) > MAX_OPERANDS or _is_cut(group, tensor):
        return False
    if group.call is not None:
        return _join_epilogue(group, tensor)
    axes = group.axes
    if isinstance(source, Reduce) and _ends_reduction(group, tensor):
        group.space, axes = source.operand.shape, source.axes
    elif isinstance(source, Reduce):
        if not _equal(source.operand.shape, group.space) or axes not in (None, source.axes):
            return False
        axes = source.axes
    elif not _equal(tensor.shape, group.space):
        collapsed = _collapsed_axes(tensor.shape, group.space)
        if collapsed is None or axes not in (None, collapsed) or not _follows_reduction(tensor):
            return False
        axes = collapsed
    if axes is not None and any(_indexed(m) for m in (*group.members.values(), tensor)):
        return False
    group.axes = axes
    group.members[tensor.serial] = tensor
    return True


def _join_epilogue(group: Group, tensor: Tensor) -> bool:
    """As `_join`, where the group is an epilogue already: a map of each element it writes."""
    if not isinstance(tensor.source, Map) or not _equal(tensor.shape, group.space) or _indexed(tensor):
        return False
    group.members[tensor.serial] = tensor
    return True


def _is_cut(group: Group, tensor: Tensor) -> bool:
    """Whether the tensor, bytes made of a call's result, is not for the group to compute.

    It is where the group cannot be that call's epilogue, which would then write its result in 32 bits.
    """
    calls = _calls_behind(tensor)
    if not calls or group.call is not None or group.axes is not None:
        return bool(calls)
    return any(_calls_behind(member) - calls for member in group.members.values())


def _calls_behind(tensor: Tensor) -> set[int]:
    """The calls whose results bytes are computed from by maps, in wider types all the way."""
    found: set[int] = set()
    stack, seen = [tensor] if tensor.dtype in (I8, U8) else [], {tensor.serial}
    while stack:
        match stack.pop().source:
            case Map(operands=operands):
                fresh = [t for t in operands if t.serial not in seen and t.dtype not in (I8, U8)]
            case View(base=base):
                fresh = [base]
            case Output(call=call):
                found.add(id(call))
                continue
            case _:
                continue
        seen.update(t.serial for t in fresh)
        stack += fresh
    return found


def _collapsed_axes(shape: Shape, space: Shape) -> tuple[int, ...] | None:
    """The axes in which `shape` has size 1 and is otherwise `space`."""
    if len(shape) != len(space):
        return None
    axes = tuple(i for i, (a, b) in enumerate(zip(shape, space, strict=True)) if not same(a, b))
    return axes if axes and all(same(shape[i], 1) for i in axes) else None


def _ends_reduction(group: Group, tensor: Tensor) -> bool:
    """Whether the group computes with the reduction's results and constants alone, as that of a mean."""
    if group.axes is not None or any(map(_indexed, group.members.values())):
        return False
    known = all(t is tensor or t.value is not None for t in group.leaves())
    return known and _equal(tensor.shape, group.space)


def _follows_reduction(tensor: Tensor) -> bool:
    """Whether the map is computed from a reduction by maps alone, and so belongs in its kernel."""
    stack, seen = [tensor], {tensor.serial}
    while stack:
        current = stack.pop()
        if isinstance(current.source, Reduce):
            return True
        if isinstance(current.source, Map):
            fresh = [t for t in current.source.operands if t.serial not in seen]
            seen.update(t.serial for t in fresh)
            stack += fresh
    return False


def _indexed(tensor: Tensor) -> bool:
    return isinstance(tensor.source, Map) and is_indexed(tensor.source.root)


def _through_views(tensor: Tensor, users: dict[int, list[Tensor]], kept: set[int]) -> Tensor | None:
    """The tensor after the views that alone read it, or None where it must be in memory."""
    while tensor.serial not in kept:
        readers = users[tensor.serial]
        if len(readers) != 1 or not isinstance(readers[0].source, View):
            return tensor
        if readers[0].source.kind not in ("permute", "reshape"):
            return None
        tensor = readers[0]
    return None


def _takes(group: Group, output: Tensor, viewed: Tensor) -> bool:
    """Whether the group can be the epilogue of the call that computes `output`."""
    if group.call is not None or group.axes is not None or not _equal(viewed.shape, group.space):
        return False
    if any(_indexed(member) for member in group.members.values()):
        return False
    return match_dimensions(output, viewed) is not None


def match_dimensions(output: Tensor, viewed: Tensor) -> list[int | None] | None:
    """For each dimension of a dense `output`, the dimension of its view with the same stride and size.

    None stands for a dimension of size 1; the result is None where the view merges or splits dimensions.
    """
    strides = dense_strides(output.shape)
    array: Array | None = Array(output.dtype, output.shape, strides, Ref(Buffer("arena", 0)))
    chain: list[Tensor] = []
    current = viewed
    while current is not output:
        assert isinstance(current.source, View)
        chain.append(current)
        current = current.source.base
    for view in reversed(chain):
        assert isinstance(view.source, View)
        array = (
            array.view(view.source.kind, view.source.parameters, view.shape) if array is not None else None
        )
    if array is None:
        return None
    result: list[int | None] = []
    for size, stride in zip(output.shape, strides, strict=True):
        if same(size, 1):
            result.append(None)
            continue
        found = [
            axis
            for axis, (s, t) in enumerate(zip(array.shape, array.strides, strict=True))
            if same(s, size) and same(t, stride)
        ]
        if not found:
            return None
        result.append(found[0])
    return result


def _equal(a: Sequence[Size], b: Sequence[Size]) -> bool:
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
