"""Sequences of a batch, each reversed up to its own length."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import launch_move
from jitrt.dims import prod
from jitrt.errors import InvalidArgument
from jitrt.opdef import operator
from jitrt.tensor import Tensor

from .gather import index_status


@operator("ReverseSequence", since=10)
def reverse_sequence(
    input: Tensor, sequence_lens: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    """The first elements of each sequence, backwards. https://onnx.ai/onnx/operators/onnx__ReverseSequence.html"""
    _check_axes(input.ndim, batch_axis, time_axis)
    if sequence_lens.ndim != 1 or sequence_lens.shape[0] != input.shape[batch_axis]:
        raise ValueError(f"sequence_lens must be [batch_size], got {sequence_lens} for {input}")
    first, second, inner = input.shape[0], input.shape[1], prod(input.shape[2:])
    (y,) = launch_move(
        reverse_rows,
        input.reshape([first, second, inner]),
        sequence_lens,
        outputs=[(input.dtype, [first, second, inner])],
        scalars=[time_axis],
        extent=first * second,
        error=length_error,
    )
    return y.reshape(input.shape)


@reverse_sequence.numpy
def reverse_values(input: Any, sequence_lens: Any, *, batch_axis: int = 1, time_axis: int = 0) -> Any:
    """ReverseSequence on NumPy arrays."""
    if sequence_lens.dtype == object:
        return NotImplemented
    _check_axes(input.ndim, batch_axis, time_axis)
    y = input.copy()
    for b, length in enumerate(sequence_lens.tolist()):
        if not 0 <= length <= input.shape[time_axis]:
            raise length_error(index_status(length, input.shape[time_axis]))
        sequence, source = (np.moveaxis(a, batch_axis, 0)[b] for a in (y, input))
        sequence[:length] = source[:length][::-1]
    return y


def _check_axes(rank: int, batch_axis: int, time_axis: int) -> None:
    if {batch_axis, time_axis} != {0, 1} or rank < 2:
        raise ValueError(
            f"time_axis and batch_axis must be 0 and 1 of at least two dimensions, "
            f"got {time_axis} and {batch_axis} of {rank}"
        )


def length_error(status: int) -> Exception:
    """What is raised for a length that no sequence has."""
    longest, length = divmod(status - 1, 2**32)
    return InvalidArgument(f"Invalid sequence length: {length - 2**31}. Value must be in range [0,{longest}]")


def reverse_rows(Y, X, lengths, time_axis, begin, end):
    """Y[i, j] is X at time length - 1 - t where the time t, which is i or j, is below the length."""
    times, columns, inner = Y.shape[time_axis], Y.shape[1], Y.shape[2]
    i, j = begin // columns, begin % columns
    for _ in range(begin, end):
        batch, time = (j, i) if time_axis == 0 else (i, j)
        length = lengths[batch]
        if length < 0 or length > times:
            return index_status(length, times)
        source = length - 1 - time if time < length else time
        p, q = (source, j) if time_axis == 0 else (i, source)
        for k in range(inner):
            Y[i, j, k] = X[p, q, k]
        j += 1
        if j == columns:
            i, j = i + 1, 0
    return 0
