"""Outputs bound to memory: written there by the plan itself where that is safe, and always right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models import STRING, model, node, random, session

import jitrt
from jitrt.ortvalue import OrtValue

SOURCE = model(
    [node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["y"]), node("Neg", ["m"], ["z"])],
    {"x": ["n", 4]},
    ["y", "z"],
    {"w": random(4, 4)},
)


def bound(s: jitrt.InferenceSession, x: Any, **targets: np.ndarray | None) -> Any:
    binding = s.io_binding()
    binding.bind_cpu_input("x", x)
    for name, target in targets.items():
        if target is None:
            binding.bind_output(name)
        else:
            binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(target))
    return binding


def test_no_copy_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan's outputs are the caller's arrays."""
    s, x = session(SOURCE), random(3, 4)
    wanted = s.run(None, {"x": x})
    y = np.zeros((3, 4), np.float32)
    given: list[Any] = []
    binding = bound(s, x, z=None, y=y)
    deliver = binding.deliver
    monkeypatch.setattr(binding, "deliver", lambda results: (given.extend(results), deliver(results)))
    for _ in range(2):
        y[...] = 0
        s.run_with_iobinding(binding)
        np.testing.assert_array_equal(y, wanted[0])
        np.testing.assert_array_equal(binding.copy_outputs_to_cpu()[0], wanted[1])
    assert given[1] is binding.targets["y"]
    assert [v.data_ptr() == y.ctypes.data for v in binding.get_outputs()] == [False, True]


def test_an_output_over_its_input() -> None:
    """Where the memory overlaps an input's, results come as if it did not."""
    s, x = session(SOURCE), random(3, 4)
    wanted = s.run(["y"], {"x": x.copy()})[0]
    s.run_with_iobinding(bound(s, x, y=x))
    np.testing.assert_array_equal(x, wanted)


def test_arrays_that_are_not_contiguous() -> None:
    s, x = session(SOURCE), random(3, 4)
    binding, wide = bound(s, x), np.zeros((3, 8), np.float32)
    binding._targets["y"] = wide[:, ::2]
    s.run_with_iobinding(binding)
    np.testing.assert_array_equal(wide[:, ::2], s.run(["y"], {"x": x})[0])
    assert not wide[:, 1::2].any()


@pytest.mark.parametrize("target", [np.zeros((3, 5), np.float32), np.zeros((3, 4)), np.zeros(12, np.float32)])
def test_memory_of_another_type_or_shape(target: np.ndarray) -> None:
    s = session(SOURCE)
    shape = r"output y is bound to f32\[.*is f32\[3,4\]"
    dtype = r"Unexpected output data type. Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)"
    with pytest.raises(RuntimeError, match=rf"Error in execution: ({shape}|{dtype})"):
        s.run_with_iobinding(bound(s, random(3, 4), y=target))
    assert not target.any()


def test_outputs_that_are_views_or_constants() -> None:
    """Where the plan's outputs are not the program's, results are copied."""
    nodes = [node("Identity", ["x"], ["y"]), node("Identity", ["c"], ["z"]), node("Transpose", ["x"], ["t"])]
    c = random(2)
    s, x = session(model(nodes, {"x": [3, 4]}, ["y", "z", "t"], {"c": c})), random(3, 4)
    y, z, t = np.zeros((3, 4), np.float32), np.zeros(2, np.float32), np.zeros((4, 3), np.float32)
    s.run_with_iobinding(bound(s, x, y=y, z=z, t=t))
    for got, wanted in ((y, x), (z, c), (t, x.T)):
        np.testing.assert_array_equal(got, wanted)


def test_any_value_of_the_graph_can_be_bound() -> None:
    s, x = session(SOURCE), random(3, 4)
    io = s.io_binding()
    with pytest.raises(RuntimeError, match="Failed to find NodeArg with name: nope"):
        io.bind_output("nope")
    io.bind_cpu_input("x", x)
    io.bind_output("m")
    s.run_with_iobinding(io)
    np.testing.assert_array_equal(io.copy_outputs_to_cpu()[0], s.run(["m"], {"x": x})[0])


def test_a_cache_that_grows_in_two_buffers() -> None:
    """As decoders do: what was an output is the next input."""
    s = session(
        model(
            [node("Concat", ["past", "new"], ["present"], axis=0)],
            {"past": ["p", 2], "new": [1, 2]},
            ["present"],
        )
    )
    past = OrtValue.ortvalue_from_numpy(np.zeros((0, 2), np.float32))
    for step in range(5):
        binding = s.io_binding()
        binding.bind_ortvalue_input("past", past)
        binding.bind_cpu_input("new", np.full((1, 2), step, np.float32))
        binding.bind_output("present")
        s.run_with_iobinding(binding)
        (past,) = binding.get_outputs()
    np.testing.assert_array_equal(past.numpy()[:, 0], np.arange(5))


def test_strings_and_empty_memory() -> None:
    s = session(model([node("Identity", ["x"], ["y"])], {"x": (STRING, ["n"])}, ["y"]))
    binding = bound(s, np.array(["a", "b"], object), y=None)
    s.run_with_iobinding(binding)
    assert binding.copy_outputs_to_cpu()[0].tolist() == ["a", "b"]
    s = session(model([node("Relu", ["x"], ["y"])], {"x": ["n"]}, ["y"]))
    binding = s.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, (0,), 1)
    binding.bind_output("y", "cpu", 0, np.float32, (0,), 1)
    s.run_with_iobinding(binding)
    assert binding.copy_outputs_to_cpu()[0].shape == (0,)


def test_profiled_and_logged_sessions_bind_as_well(tmp_path: Any) -> None:
    options = jitrt.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "p")
    s, x, y = jitrt.InferenceSession(SOURCE, options), random(3, 4), np.zeros((3, 4), np.float32)
    s.run_with_iobinding(bound(s, x, y=y), jitrt.RunOptions())
    np.testing.assert_array_equal(y, session(SOURCE).run(["y"], {"x": x})[0])
