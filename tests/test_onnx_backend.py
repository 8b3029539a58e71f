"""ONNX's own conformance suite, through its own runner and `jitrt.backend`."""

import os
import tempfile
import unittest
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

import jitrt.backend

# what does not pass, and why
RANDOM = "compares random numbers with those that NumPy's global generator gave when the case was made"
SCALARS = "the runner takes len() of a scalar in a sequence, for any backend; compared below"
REASONS = {
    "test_bernoulli": RANDOM,
    "test_bernoulli_expanded": RANDOM,
    "test_bernoulli_double": RANDOM,
    "test_bernoulli_double_expanded": RANDOM,
    "test_bernoulli_seed": RANDOM,
    "test_bernoulli_seed_expanded": RANDOM,
    "test_loop16_seq_none": SCALARS,
}

# the runner keeps the data of its light models there, and would use the user's home
os.environ.setdefault("ONNX_HOME", tempfile.mkdtemp(prefix="jitrt-onnx-"))

runner = Runner(jitrt.backend, __name__)
for category, case in runner.test_cases.items():
    for name in [name for name in vars(case) if name.endswith("_cuda")]:
        delattr(case, name)
    for name, reason in REASONS.items():
        if hasattr(case, f"{name}_cpu"):
            setattr(case, f"{name}_cpu", unittest.skip(reason)(getattr(case, f"{name}_cpu")))
    globals()[category] = case


@cache
def node_cases():
    return {case.name: case for case in load_model_tests(kind="node")}


def test_a_sequence_with_a_scalar():
    case = node_cases()["test_loop16_seq_none"]
    ((inputs, (expected,)),) = case.data_sets
    (sequence,) = jitrt.backend.run_model(case.model, inputs)
    assert [element.shape for element in sequence] == [element.shape for element in expected]
    for got, wanted in zip(sequence, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("name", [name for name, reason in REASONS.items() if reason is RANDOM])
def test_random_cases_have_the_type_and_shape_and_only_ones_and_zeros(name):
    case = node_cases()[name]
    for inputs, (expected,) in case.data_sets:
        (got,) = jitrt.backend.run_model(case.model, inputs)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert set(np.unique(got)) <= {0, 1}


def test_few_cases_are_left_out():
    cases = [name for case in runner.test_cases.values() for name in vars(case) if name.endswith("_cpu")]
    assert len(cases) == 2033
    assert len(REASONS) == 7


def relu():
    return helper.make_node("Relu", ["x"], ["y"])


def test_run_node():
    (y,) = jitrt.backend.run_node(relu(), [np.array([-1, 2], np.float32)])
    np.testing.assert_array_equal(y, [0, 2])
    (y,) = jitrt.backend.run_node(relu(), {"x": np.array([-1, 2], np.float64)}, opset_version=13)
    np.testing.assert_array_equal(y, [0, 2])
    assert y.dtype == np.float64


def test_models_in_every_form(tmp_path):
    kind = helper.make_tensor_value_info("x", 1, ["n"]), helper.make_tensor_value_info("y", 1, ["n"])
    model = helper.make_model(
        helper.make_graph([relu()], "g", kind[:1], kind[1:]), opset_imports=[helper.make_opsetid("", 20)]
    )
    onnx.save(model, tmp_path / "m.onnx")
    x = np.array([-1, 2], np.float32)
    for form in (model, model.SerializeToString(), tmp_path / "m.onnx", str(tmp_path / "m.onnx")):
        prepared = jitrt.backend.prepare(form)
        for inputs in (x, [x], {"x": x}):
            np.testing.assert_array_equal(prepared.run(inputs)[0], [0, 2])
        assert jitrt.backend.prepare(prepared) is prepared
    np.testing.assert_array_equal(jitrt.backend.run_model(model, [x])[0], [0, 2])


def test_devices():
    assert jitrt.backend.supports_device("CPU")
    assert jitrt.backend.supports_device("CPU:0")
    assert not jitrt.backend.supports_device("TPU")
    with pytest.raises(RuntimeError, match="Incompatible device 'TPU'"):
        jitrt.backend.prepare("model.onnx", "TPU")


def test_a_model_with_an_unknown_operator_is_not_compatible():
    node = helper.make_node("NoSuchOperator", ["x"], ["y"], domain="nobody.knows")
    graph = helper.make_graph([node], "g", [], [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("nobody.knows", 1)])
    assert not jitrt.backend.is_compatible(model)
