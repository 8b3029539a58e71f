"""From tensors to steps: where every tensor lies, and which kernels compute it, in order.

The schedule holds symbolic sizes; `plan.py` puts numbers in. Layouts follow the data: a kernel's result is
dense in the kernel's own order (channels last after a convolution), maps keep the order of what they read,
and views are strides. A copy is made only where a kernel cannot read an array as it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jitrt.attentions import AttentionCall, join_attention
from jitrt.codegen.kernel import Buffer, Ref, Step
from jitrt.constants import parameter
from jitrt.dims import Size, hint, same
from jitrt.expr import Expr
from jitrt.fuse import Fusion, Group, fuse, match_dimensions, separate
from jitrt.layout import (
    Array,
    broadcast_strides,
    constant_array,
    dense_strides,
    is_dense,
    layout_order,
    nbytes,
)
from jitrt.lifted import lift_constants
from jitrt.loop_step import copy_step, loop_step
from jitrt.tensor import Call, Concat, Constant, Input, Output, Tensor, View


@dataclass
class Schedule:
    """The steps of one traced segment, over buffers whose sizes may be symbolic."""

    steps: list[Step]
    inputs: list[Buffer]
    outputs: list[tuple[Buffer, np.dtype[Any], tuple[Size, ...]]]
    results: dict[int, list[tuple[Tensor, Array]]] = field(default_factory=dict)  # by the step that ends them


class EpilogueGroup(NamedTuple):
    """A group of maps that a kernel call applies to its result, as the call's `steps` receives it.

    `root` is over `load(0)`, the call's own result, and `load(1...)`, the arrays, whose strides are given
    for the dimensions of the call's output.
    """

    root: Expr
    arrays: tuple[Array, ...]


class Scheduler:
    """Places tensors and lowers units, in execution order."""

    def __init__(self, inputs: Sequence[Tensor], outputs: Iterable[Tensor], fused: bool = True) -> None:
        self.outputs = list(outputs)
        self.fusion: Fusion = (
            join_attention(fuse(self.outputs), self.outputs) if fused else separate(self.outputs)
        )
        self.inputs = [Buffer("input", nbytes(t.dtype, t.shape), index=i) for i, t in enumerate(inputs)]
        self.steps: list[Step] = []
        self.arrays: dict[int, Array] = {}
        self.destinations: dict[int, Array] = {}
        self.results: dict[int, list[tuple[Tensor, Array]]] = {}

    def run(self) -> Schedule:
        """Lower every unit and copy what an output needs copied."""
        results = [self._reserve_output(i, t) for i, t in enumerate(self.outputs)]
        for unit, tensor in self.fusion.units:
            first = len(self.steps)
            if isinstance(unit, Group):
                self._lower_group(unit)
            elif isinstance(unit, Concat):
                self._lower_concat(unit, tensor)
            elif isinstance(unit, AttentionCall):
                self._lower_attention(unit)
            else:
                self._lower_call(unit)
            for step in self.steps[first:]:
                step.nodes = step.nodes or (tensor.node,)
            made = unit.outputs if isinstance(unit, Call) else (tensor,)
            if len(self.steps) > first:
                self.results[len(self.steps) - 1] = [(t, self.arrays[t.serial]) for t in made]
        for tensor, target in zip(self.outputs, results, strict=True):
            placed = self._place(tensor)
            if placed.ref.buffer is not target.ref.buffer:
                self._copy(placed, target, tensor.node)
        if any(step.image is not None for step in self.steps):
            from jitrt.bands import in_bands  # nothing but convolutions needs it

            self.steps, self.results = in_bands(self.steps, self.results)
        kinds = [(a.ref.buffer, a.dtype, a.shape) for a in results]
        return Schedule(self.steps, self.inputs, kinds, self.results)

    # where tensors lie

    def _reserve_output(self, index: int, tensor: Tensor) -> Array:
        buffer = Buffer("output", nbytes(tensor.dtype, tensor.shape), index=index)
        target = Array(tensor.dtype, tensor.shape, dense_strides(tensor.shape), Ref(buffer))
        base = tensor
        while isinstance(base.source, View) and base.source.kind in ("reshape", "reinterpret"):
            base = base.source.base
        own = Array(base.dtype, base.shape, dense_strides(base.shape), Ref(buffer))
        if isinstance(base.source, View) and base.source.kind == "permute":
            order, viewed = base.source.parameters, base.source.base
            if not _writes_strided(viewed):
                self.destinations.setdefault(base.serial, own)
                return target
            base = viewed
            own = Array(base.dtype, base.shape, dense_strides(base.shape, order), Ref(buffer))
        if not isinstance(base.source, (Input, Constant)):  # a view may need a copy to be reshaped
            self.destinations.setdefault(base.serial, own)
        return target

    def _place(self, tensor: Tensor) -> Array:
        """The array that holds the tensor; a view that strides cannot express is copied here."""
        if tensor.serial in self.arrays:
            return self.arrays[tensor.serial]
        if tensor.value is not None and not isinstance(tensor.source, Input):
            array = self._place_constant(tensor)
        else:
            match tensor.source:
                case Input(index=index):
                    array = Array(
                        tensor.dtype, tensor.shape, dense_strides(tensor.shape), Ref(self.inputs[index])
                    )
                case View(base=base, kind=kind, parameters=parameters):
                    placed = self._place(base)
                    view = placed.view(kind, parameters, tensor.shape)
                    if view is None:
                        dense = self._dense(placed, tensor.node, self.destinations.get(base.serial))
                        view = dense.view(kind, parameters, tensor.shape)
                    assert view is not None
                    array = view._replace(dtype=tensor.dtype)
                case _:
                    raise AssertionError(f"{tensor} is read before it is computed")
        self.arrays[tensor.serial] = array
        return array

    def _place_constant(self, tensor: Tensor) -> Array:
        assert tensor.value is not None
        if tensor.symbolic:
            buffer = Buffer("sized", nbytes(tensor.dtype, tensor.shape), tensor.value, tensor.dtype)
            return Array(tensor.dtype, tensor.shape, dense_strides(tensor.shape), Ref(buffer))
        value = np.asarray(tensor.value, tensor.dtype)
        if any(s < 0 for s in value.strides) or not value.flags.aligned:
            value = np.ascontiguousarray(value)
        return constant_array(value)

    def _allocate(self, tensor: Tensor, order: Sequence[int] | None) -> Array:
        """A new array for a tensor: its reserved place, a slice of a concatenation, or the arena."""
        reserved = self.destinations.get(tensor.serial)
        if reserved is None:
            reserved = self._slice_of_concat(tensor, order)
        if reserved is not None:
            return reserved
        buffer = Buffer("arena", nbytes(tensor.dtype, tensor.shape))
        return Array(tensor.dtype, tensor.shape, dense_strides(tensor.shape, order), Ref(buffer))

    def _slice_of_concat(self, tensor: Tensor, order: Sequence[int] | None) -> Array | None:
        """The tensor's part of the one concatenation that reads it, perhaps in another shape."""
        operand, joined = tensor, self._only_user(tensor)
        if joined is not None and _is_permuted(joined) and _writes_strided(tensor):
            return self._slice_of_permuted(tensor, joined)
        while joined is not None and isinstance(joined.source, View):
            if joined.source.kind not in ("reshape", "reinterpret"):
                return None
            operand, joined = joined, self._only_user(joined)
        if joined is None or not isinstance(joined.source, Concat):
            return None
        concat = joined.source
        if sum(t is operand for t in concat.operands) != 1:
            return None
        if joined.serial not in self.destinations:
            self.destinations[joined.serial] = self._allocate(joined, order if operand is tensor else None)
        whole, start = self.destinations[joined.serial], _start(concat, operand)
        part = whole.view("slice", (concat.axis, start, 1), operand.shape)
        assert part is not None
        if operand is tensor:
            return part
        own = part.view("reshape", None, tensor.shape)
        return None if own is None else own._replace(dtype=tensor.dtype)

    def _slice_of_permuted(self, tensor: Tensor, permuted: Tensor) -> Array | None:
        """The part of a concatenation that reads the tensor with its dimensions in another order."""
        joined = self._only_user(permuted)
        if joined is None or not isinstance(joined.source, Concat):
            return None
        order = tuple(int(d) for d in np.argsort(permuted.source.parameters))  # type: ignore[union-attr]
        part = self._slice_of_concat(permuted, order)
        return None if part is None else part.view("permute", order, tensor.shape)

    def _only_user(self, tensor: Tensor) -> Tensor | None:
        """The one tensor that is computed from this one, which is no output."""
        users = self.fusion.users.get(tensor.serial, [])
        return users[0] if len(users) == 1 and not any(t is tensor for t in self.outputs) else None

    def _dense(self, array: Array, node: str, target: Array | None = None) -> Array:
        """The array itself where it is dense, or a dense copy, in `target` if there is a dense one."""
        if array.dense:
            return array
        if target is None or not target.dense:
            buffer = Buffer("arena", nbytes(array.dtype, array.shape))
            target = array._replace(strides=dense_strides(array.shape), ref=Ref(buffer))
        self._copy(array, target, node)
        return target

    def _copy(self, source: Array, target: Array, node: str) -> None:
        step = copy_step(source, target)
        step.nodes = (node,)
        self.steps.append(step)

    # units

    def _lower_group(self, group: Group) -> None:
        leaves = [t for t in group.leaves() if t is not group.viewed]
        arrays = [self._place(t) for t in leaves]
        first = 0 if group.call is None else 1
        root, constants = lift_constants(group.expression(leaves, first), first + len(leaves))
        if group.call is not None:
            self._lower_epilogue(group, root, [*map(parameter, arrays), *constants])
            return
        arrays += constants
        space, order = group.space, None
        full = [a for a in arrays if len(a.shape) == len(space) and _covers(a, space)]
        if full:
            order = layout_order(full[0].shape, full[0].strides)
        inputs = [
            a._replace(shape=space, strides=broadcast_strides(a.shape, a.strides, space)) for a in arrays
        ]
        result = self._allocate(group.root, order)
        self.arrays[group.root.serial] = result
        target = result._replace(shape=space, strides=broadcast_strides(result.shape, result.strides, space))
        step = loop_step([root], space, group.axes or (), inputs, [target], _label(group))
        step.nodes = tuple(
            dict.fromkeys(m.node for m in sorted(group.members.values(), key=lambda t: t.serial))
        )
        self.steps.append(step)

    def _lower_epilogue(self, group: Group, root: Expr, arrays: Sequence[Array]) -> None:
        assert group.call is not None
        assert group.viewed is not None
        assert isinstance(group.call.source, Output)
        call, output = group.call.source.call, group.call
        dimensions = match_dimensions(output, group.viewed)
        assert dimensions is not None
        order = [d for d in dimensions if d is not None]
        order += [d for d in range(len(group.space)) if d not in order]
        result = self._allocate(group.root, order)
        target = self._over(result, group.space, dimensions, output)
        extra = tuple(self._over(a, group.space, dimensions, output) for a in arrays)
        if not call_accepts_output(call, target):
            scratch = Buffer("arena", nbytes(result.dtype, result.shape))
            dense = Array(result.dtype, output.shape, dense_strides(output.shape), Ref(scratch))
            self._emit_call(call, [dense], EpilogueGroup(root, extra), group)
            strides = self._inverse(dense, dimensions, group.space)
            self._copy(dense._replace(shape=group.space, strides=strides), result, group.root.node)
        else:
            self._emit_call(call, [target], EpilogueGroup(root, extra), group)
        self.arrays[group.root.serial] = result

    def _over(
        self, array: Array, space: Sequence[Size], dimensions: Sequence[int | None], output: Tensor
    ) -> Array:
        """An array over the group's space as one over the dimensions of the call's output."""
        strides = broadcast_strides(array.shape, array.strides, space)
        own = tuple(0 if d is None else strides[d] for d in dimensions)
        return array._replace(shape=output.shape, strides=own)

    def _inverse(
        self, array: Array, dimensions: Sequence[int | None], space: Sequence[Size]
    ) -> tuple[Size, ...]:
        strides: list[Size] = [0] * len(space)
        for axis, dimension in enumerate(dimensions):
            if dimension is not None:
                strides[dimension] = array.strides[axis]
        return tuple(strides)

    def _lower_concat(self, concat: Concat, tensor: Tensor) -> None:
        if tensor.serial not in self.destinations:
            first = max(concat.operands, key=lambda t: hint(t.size))
            base = self.arrays.get(first.serial) or self._place(first)
            order = layout_order(base.shape, base.strides) if len(base.shape) == tensor.ndim else None
            self.destinations[tensor.serial] = self._allocate(tensor, order)
        whole = self.destinations[tensor.serial]
        start: Size = 0
        for operand in concat.operands:
            part = whole.view("slice", (concat.axis, start, 1), operand.shape)
            placed = self._place(operand)
            assert part is not None
            if placed.ref.buffer is not part.ref.buffer:
                self._copy(placed, part, tensor.node)
            start = start + operand.shape[concat.axis]
        self.arrays[tensor.serial] = whole

    def _lower_call(self, call: Call) -> None:
        outputs = []
        for tensor in call.outputs:
            array = self._allocate(tensor, self._order_read(tensor))
            if not (array.dense or (call.strided_output and call_accepts_output(call, array))):
                buffer = Buffer("arena", nbytes(tensor.dtype, tensor.shape))
                array = Array(tensor.dtype, tensor.shape, dense_strides(tensor.shape), Ref(buffer))
                self.destinations.pop(tensor.serial, None)
            outputs.append(array)
            self.arrays[tensor.serial] = array
        self._emit_call(call, outputs, None, None)

    def _lower_attention(self, call: AttentionCall) -> None:
        call.weights = call.group.expression(call.leaves, 1)
        first = len(self.steps)
        self._lower_call(call)
        for step in self.steps[first:]:
            step.nodes = step.nodes or call.nodes

    def _order_read(self, tensor: Tensor) -> Sequence[int] | None:
        """The order in which the one view that reads a strided output takes its dimensions, or None."""
        users = self.fusion.users.get(tensor.serial, [])
        view = users[0].source if len(users) == 1 and _writes_strided(tensor) else None
        if isinstance(view, View) and view.kind == "permute" and view.parameters[-1] == tensor.ndim - 1:
            return view.parameters  # type: ignore[no-any-return]
        return None

    def _emit_call(
        self, call: Call, outputs: Sequence[Array], epilogue: EpilogueGroup | None, group: Group | None
    ) -> None:
        inputs: list[Array | None] = []
        for index, tensor in enumerate(call.inputs):
            if tensor is None:
                inputs.append(None)
                continue
            array = self._place(tensor)
            if call.takes_epilogue:
                array = parameter(array)
            if not call.accepts(index, array.strides, array.shape):
                array = self._dense(array, tensor.node)
            inputs.append(array)
        for step in call.steps(inputs, outputs, epilogue):
            if group is not None:
                members = sorted(group.members.values(), key=lambda t: t.serial)
                step.nodes = tuple(dict.fromkeys([call.outputs[0].node, *(m.node for m in members)]))
                step.label += f"+{_label(group)}"
            self.steps.append(step)


def call_accepts_output(call: Call, target: Array) -> bool:
    """Whether a call can write its result as `target` lies: dense, or in the strides the call allows."""
    if is_dense(target.shape, target.strides):
        return True
    return call.strided_output and call.accepts(-1, target.strides, target.shape)


def _is_permuted(tensor: Tensor) -> bool:
    return isinstance(tensor.source, View) and tensor.source.kind == "permute"


def _writes_strided(tensor: Tensor) -> bool:
    """Whether the tensor is the output of a call that can write in other strides than dense ones."""
    return isinstance(tensor.source, Output) and tensor.source.call.strided_output


def _covers(array: Array, space: Sequence[Size]) -> bool:
    """Whether the array varies along every dimension of the space."""
    return all(same(s, 1) or not same(t, 0) for s, t in zip(space, array.strides, strict=True)) and all(
        same(a, b) for a, b in zip(array.shape, space, strict=True)
    )


def _start(concat: Concat, tensor: Tensor) -> Size:
    start: Size = 0
    for operand in concat.operands:
        if operand is tensor:
            return start
        start = start + operand.shape[concat.axis]
    raise AssertionError("not an operand")


def _label(group: Group) -> str:
    """The operators a group computes, as its steps are called in plans and profiles."""
    members = sorted(group.members.values(), key=lambda t: t.serial)
    return "+".join(dict.fromkeys(m.node.partition(" ")[0] or "copy" for m in members))
