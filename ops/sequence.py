"""Sequences: Python lists of arrays between native segments. No operator changes a list that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.opdef import host_operator
from jitrt.types import short_name

if TYPE_CHECKING:
    from jitrt.host_call import Body

Array = np.ndarray[Any, Any]


@host_operator("SequenceConstruct", since=11)
def sequence_construct(*inputs: Array) -> list[Array]:
    """The inputs as a sequence. https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html"""
    for x in inputs[1:]:
        _check_type(inputs, x)
    return list(inputs)


@host_operator("SequenceEmpty", since=11)
def sequence_empty(*, dtype: int | None = None) -> list[Array]:
    """A sequence of nothing. https://onnx.ai/onnx/operators/onnx__SequenceEmpty.html"""
    return []


@host_operator("SequenceAt", since=11)
def sequence_at(input_sequence: list[Array], position: Array) -> Array:
    """The tensor at a position. https://onnx.ai/onnx/operators/onnx__SequenceAt.html"""
    return input_sequence[_position(position, len(input_sequence), len(input_sequence) - 1)]


@host_operator("SequenceErase", since=11)
def sequence_erase(input_sequence: list[Array], position: Array | None = None) -> list[Array]:
    """The sequence less one tensor, the last. https://onnx.ai/onnx/operators/onnx__SequenceErase.html"""
    last = np.array(-1) if position is None else position
    index = _position(last, len(input_sequence), len(input_sequence) - 1)
    return [*input_sequence[:index], *input_sequence[index + 1 :]]


@host_operator("SequenceInsert", since=11)
def sequence_insert(input_sequence: list[Array], tensor: Array, position: Array | None = None) -> list[Array]:
    """The sequence and one more, at the end. https://onnx.ai/onnx/operators/onnx__SequenceInsert.html"""
    _check_type(input_sequence, tensor)
    count = len(input_sequence)
    index = count if position is None else _position(position, count, count)
    return [*input_sequence[:index], tensor, *input_sequence[index:]]


@host_operator("SequenceLength", since=11)
def sequence_length(input_sequence: list[Array]) -> Array:
    """The number of tensors. https://onnx.ai/onnx/operators/onnx__SequenceLength.html"""
    return np.array(len(input_sequence), np.int64)


@host_operator("SplitToSequence", since=11)
def split_to_sequence(
    input: Array, split: Array | None = None, *, axis: int = 0, keepdims: int = 1
) -> list[Array]:
    """Parts along an axis. https://onnx.ai/onnx/operators/onnx__SplitToSequence.html"""
    axis = _axis(axis, input.ndim)
    extent = input.shape[axis]
    if split is None:
        parts = _cut(input, range(1, extent + 1), axis)
        return parts if keepdims else [np.ascontiguousarray(part.squeeze(axis)) for part in parts]
    if (split <= 0).any() if split.ndim == 0 else (split < 0).any():
        raise InvalidArgument(f"Invalid value in 'split' input: {split.tolist()}, sizes must be positive")
    if split.ndim == 0:
        return _cut(input, range(int(split), extent + int(split), int(split)), axis)
    if split.sum() != extent:
        raise InvalidArgument(f"split_size_sum ({split.sum()}) != split_dim_size ({extent})")
    return _cut(input, np.cumsum(split).tolist(), axis)


@host_operator("ConcatFromSequence", since=11)
def concat_from_sequence(input_sequence: list[Array], *, axis: int, new_axis: int = 0) -> Array:
    """Join along an axis, or a new one. https://onnx.ai/onnx/operators/onnx__ConcatFromSequence.html"""
    if not input_sequence:
        raise InvalidArgument("ConcatFromSequence needs at least one tensor, got an empty sequence")
    return np.stack(input_sequence, axis) if new_axis else np.concatenate(input_sequence, axis)


@host_operator("SequenceMap", since=17)
def sequence_map(
    input_sequence: list[Array], *additional_inputs: Array | list[Array], body: Body, output_count: int = 1
) -> Any:
    """A graph applied to each element. https://onnx.ai/onnx/operators/onnx__SequenceMap.html"""
    count = len(input_sequence)
    for other in additional_inputs:
        if isinstance(other, list) and len(other) != count:
            raise InvalidArgument(f"sequences to map over have {count} and {len(other)} elements")
    produced = [
        body(x, *(other[i] if isinstance(other, list) else other for other in additional_inputs))
        for i, x in enumerate(input_sequence)
    ]
    sequences = [[values[k] for values in produced] for k in range(output_count)]
    return sequences[0] if output_count == 1 else sequences


def _position(position: Array, count: int, last: int) -> int:
    """A position from the front in a sequence of `count`. Raises InvalidArgument beyond `last`."""
    index = position.item()
    if not -count <= index <= last:
        raise InvalidArgument(f"Invalid sequence index ({index}) specified for sequence of size ({count})")
    return index + count if index < 0 else index


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise InvalidArgument(f"axis {axis} is not in valid range [{-rank},{rank - 1}]")
    return axis % rank


def _cut(x: Array, ends: Sequence[int], axis: int) -> list[Array]:
    """Copies of the parts of x that end at `ends`."""
    starts = [0, *ends][: len(ends)]
    places = (slice(None),) * axis
    return [x[(*places, slice(start, end))].copy() for start, end in zip(starts, ends, strict=True)]


def _check_type(sequence: Sequence[Array], tensor: Array) -> None:
    if sequence and sequence[0].dtype != tensor.dtype:
        expected, got = short_name(sequence[0].dtype), short_name(tensor.dtype)
        raise InvalidArgument(f"a sequence holds tensors of one type: expected {expected}, got {got}")
