"""Views as strides against NumPy: chains of movements, and which of them need a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from models import model, node, session

from jitrt.codegen.kernel import Buffer, Ref
from jitrt.dims import Dim, Guards, hint
from jitrt.layout import Array, dense_strides, is_dense, layout_order, reshape_strides

DTYPE = np.dtype(np.int32)
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@st.composite
def movements(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[str, Any]]]:
    """A shape and movements that NumPy can do to it."""
    shape = start = draw(SHAPES)
    steps: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["permute", "slice", "expand", "reshape", "squeeze"]))
        if kind == "permute":
            parameters: Any = tuple(draw(st.permutations(range(len(shape)))))
            shape = tuple(shape[i] for i in parameters)
        elif kind == "slice":
            axis = draw(st.integers(0, len(shape) - 1))
            first = draw(st.integers(0, shape[axis] - 1))
            step = draw(st.sampled_from([-2, -1, 1, 2]))
            longest = (shape[axis] - 1 - first) // step + 1 if step > 0 else first // -step + 1
            length = draw(st.integers(1, longest))
            parameters = (axis, first, step, length)
            shape = (*shape[:axis], length, *shape[axis + 1 :])
        elif kind == "expand":
            lead = tuple(draw(st.lists(st.integers(1, 3), max_size=1)))
            parameters = shape = lead + tuple(draw(st.integers(1, 3)) if n == 1 else n for n in shape)
        elif kind == "squeeze":
            parameters = shape = tuple(n for n in shape if n != 1) or (1,)
            kind = "reshape"
        else:
            parameters = shape = draw(reshapings(int(np.prod(shape))))
        assume(len(shape) <= 6)
        steps.append((kind, parameters))
    return start, steps


@st.composite
def reshapings(draw: st.DrawFn, size: int) -> tuple[int, ...]:
    """A shape of so many elements."""
    shape = []
    while size > 1 and len(shape) < 4:
        factor = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        shape.append(factor)
        size //= factor
    return (*shape, size) if size > 1 or not shape else tuple(shape)


def move(x: np.ndarray, kind: str, parameters: Any) -> np.ndarray:
    """The movement by NumPy."""
    if kind == "permute":
        return x.transpose(parameters)
    if kind == "expand":
        return np.broadcast_to(x, parameters)
    if kind == "reshape":
        return x.reshape(parameters)
    axis, first, step, length = parameters
    end = first + step * length
    return x[(slice(None),) * axis + (slice(first, end if end >= 0 else None, step),)]


def read(array: Array, memory: np.ndarray) -> np.ndarray:
    """The elements that the array's strides address."""
    start = hint(array.ref.offset) // array.dtype.itemsize
    places = np.full(tuple(map(hint, array.shape)), start)
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        steps = np.arange(hint(size)) * hint(stride)
        places = places + steps.reshape([-1 if a == axis else 1 for a in range(len(array.shape))])
    return memory[places]


@settings(max_examples=400, deadline=None)
@given(movements())
def test_chains_of_movements(chain: tuple[tuple[int, ...], list[tuple[str, Any]]]) -> None:
    """A view reads what NumPy reads; where strides cannot say it, NumPy had to copy too."""
    shape, steps = chain
    memory = np.arange(np.prod(shape), dtype=DTYPE)
    wanted = memory.reshape(shape)
    array = Array(DTYPE, shape, dense_strides(shape), Ref(Buffer("arena", memory.nbytes)))
    for kind, parameters in steps:
        moved = move(wanted, kind, parameters)
        given_parameters = parameters[:3] if kind == "slice" else parameters
        view = array.view(kind, given_parameters, moved.shape)
        if view is None:
            assert kind == "reshape"
            assert not np.shares_memory(moved, wanted)
            memory = np.ascontiguousarray(moved).ravel()
            view = Array(DTYPE, moved.shape, dense_strides(moved.shape), Ref(Buffer("arena", memory.nbytes)))
        array, wanted = view, moved
        np.testing.assert_array_equal(read(array, memory), wanted)
        assert array.dense == is_dense(array.shape, array.strides)
        if array.dense:
            places = read(array, np.arange(memory.size)).ravel()
            np.testing.assert_array_equal(np.diff(places), 1)


def model_of(shape: tuple[int, ...], steps: list[tuple[str, Any]]) -> bytes:
    """The movements as ONNX operators on an input of dynamic shape, between elementwise ones."""
    nodes, constants = [node("Neg", ["x"], ["v0"])], {}

    def add(operator: str, values: dict[str, Any], **attributes: Any) -> None:
        names = [f"{key}{len(nodes)}" for key in values]
        constants.update(zip(names, map(np.array, values.values()), strict=True))
        nodes.append(node(operator, [f"v{len(nodes) - 1}", *names], [f"v{len(nodes)}"], **attributes))

    for kind, parameters in steps:
        if kind == "permute":
            add("Transpose", {}, perm=parameters)
        elif kind == "expand":
            add("Expand", {"shape": parameters})
        elif kind == "reshape":
            add("Reshape", {"shape": parameters})
        else:
            axis, first, step, length = parameters
            end = first + step * length
            values = {"start": [first], "end": [end if end >= 0 else -1000], "axis": [axis], "step": [step]}
            add("Slice", values)
    nodes.append(node("Add", [f"v{len(nodes) - 1}", "one"], ["y"]))
    kinds = {"x": [f"d{i}" for i in range(len(shape))]}
    return model(nodes, kinds, ["y"], {**constants, "one": np.float32(1)})


@settings(max_examples=40, deadline=None)
@given(movements())
def test_chains_of_movements_in_models(chain: tuple[tuple[int, ...], list[tuple[str, Any]]]) -> None:
    shape, steps = chain
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    wanted = -x
    for kind, parameters in steps:
        wanted = move(wanted, kind, parameters)
    s = session(model_of(shape, steps))
    np.testing.assert_array_equal(s.run(None, {"x": x})[0], wanted + 1)
    np.testing.assert_array_equal(s.run(None, {"x": -x})[0], 2 - (wanted + 1))


@settings(max_examples=300, deadline=None)
@given(SHAPES, st.data())
def test_reshape_of_strided_arrays(shape: tuple[int, ...], data: st.DataObject) -> None:
    """As NumPy decides whether a reshape of a permuted array needs a copy."""
    order = data.draw(st.permutations(range(len(shape))))
    target = data.draw(reshapings(int(np.prod(shape))))
    x = np.arange(np.prod(shape), dtype=DTYPE).reshape(shape).transpose(order)
    strides = reshape_strides(x.shape, [s // DTYPE.itemsize for s in x.strides], target)
    assert (strides is not None) == bool(np.shares_memory(x.reshape(target), x))
    if strides is not None:
        view = np.lib.stride_tricks.as_strided(x, target, [hint(s) * DTYPE.itemsize for s in strides])
        np.testing.assert_array_equal(view, x.reshape(target))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_empty_arrays_may_be_reshaped_anyhow(shape: tuple[int, ...]) -> None:
    assert reshape_strides(shape, dense_strides(shape), (2, 0)) is not None


def test_symbolic_dimensions_stay_symbolic() -> None:
    """Splitting and merging dynamic dimensions needs no guard where it holds for every size."""
    guards = Guards()
    n, m = Dim.symbol("n", 4, guards), Dim.symbol("m", 6, guards)
    array = Array(DTYPE, (n, m, 8), dense_strides((n, m, 8)), Ref(Buffer("arena", n * m * 32)))
    merged = array.view("reshape", None, (n * m, 8))
    assert merged is not None
    assert merged.dense
    split = merged.view("reshape", None, (n, m, 2, 4))
    assert split is not None
    turned = split.view("permute", (0, 2, 1, 3), (n, 2, m, 4))
    assert turned is not None
    assert not turned.dense
    assert not guards.conditions


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.data())
def test_layout_order(shape: tuple[int, ...], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    strides = dense_strides(shape, order)
    found = layout_order(shape, strides)
    assert sorted(found) == list(range(len(shape)))
    moving = [a for a in order if shape[a] > 1]
    assert [a for a in found if shape[a] > 1] == moving
    assert [strides[a] for a in moving] == sorted((strides[a] for a in moving), reverse=True)
