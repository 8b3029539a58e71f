"""Sessions as functions of TensorFlow; `test_exchange_tensorflow` runs this file."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from bridge_models import BF16, A, B, affine, doubled
from models import STRING, model, node
from models import session as session_of


def test_eagerly_and_in_a_graph():
    function = session_of(affine()).as_tensorflow_function()
    graph = tf.function(lambda a, b: function(a + 1, b=b), reduce_retracing=True)
    for n in (1, 2, 5):
        a = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
        for y, z in (function(a + 1, B), graph(a, B)):
            np.testing.assert_array_equal(y, 2 * (a + 1) + B)
            np.testing.assert_array_equal(z, a + 1 < B)


def test_in_a_pipeline_of_data():
    data = tf.data.Dataset.from_tensor_slices(A).batch(2).map(session_of(doubled()).as_tensorflow_function())
    assert data.element_spec.dtype == tf.float32
    np.testing.assert_array_equal(next(iter(data)), 2 * A)


def test_strings_and_bfloat16():
    upper = model(
        [node("StringNormalizer", ["s"], ["t"], case_change_action="UPPER")],
        {"s": (STRING, ["n"])},
        ["t"],
    )
    assert session_of(upper).as_tensorflow_function()(tf.constant(["ä", "b"])).numpy().tolist() == [
        "Ä".encode(),
        b"B",
    ]
    x = tf.constant([[1, 2, 3]], tf.bfloat16)
    y = session_of(doubled(BF16)).as_tensorflow_function()(x)
    assert y.dtype == tf.bfloat16
    assert tf.reduce_all(y == x + x)


def test_only_tensors():
    parts = model([node("SplitToSequence", ["x"], ["parts"], axis=0)], {"x": [2, 3]}, ["parts"])
    with pytest.raises(TypeError, match=r"parts is seq\(tensor\(float\)\): only tensors pass"):
        session_of(parts).as_tensorflow_function()
