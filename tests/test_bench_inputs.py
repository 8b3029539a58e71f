"""The inputs that the benchmarks draw for a model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from bench.inputs import declared_inputs, draw, other_shapes, signature


@pytest.fixture
def model() -> onnx.ModelProto:
    def value(name: str, code: int, dims: list[int | str | None] | None) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(name, code, dims)

    types = onnx.TensorProto
    inputs = [value("x", types.FLOAT, ["n", 3, None]), value("ids", types.INT64, ["n", "length"])]
    inputs += [value("text", types.STRING, [2]), value("w", types.FLOAT, [3])]
    weights = [onnx.numpy_helper.from_array(np.zeros(3, np.float32), "w")]
    return onnx.helper.make_model(onnx.helper.make_graph([], "g", inputs, [], weights))


def test_inputs_are_drawn_from_declared_shapes(model: onnx.ModelProto) -> None:
    assert list(declared_inputs(model)) == ["x", "ids", "text"]
    feeds = draw(model, {"x": (5, 3, 7)})
    assert dict(signature(feeds)) == {"x": (5, 3, 7), "ids": (5, 64), "text": (2,)}
    assert [str(array.dtype) for array in feeds.values()] == ["float32", "int64", "object"]
    with pytest.raises(ValueError, match="no input named y"):
        draw(model, {"y": (1,)})


def test_other_shapes_change_one_dimension_everywhere(model: onnx.ModelProto) -> None:
    feeds = draw(model, {"x": (5, 3, 128)})
    second, third = other_shapes(model, [feeds], 2)
    assert dict(signature(second)) == {"x": (6, 3, 128), "ids": (6, 64), "text": (2,)}
    assert dict(signature(third)) == {"x": (5, 3, 96), "ids": (5, 64), "text": (2,)}
    assert signature(other_shapes(model, [feeds, second], 1)[0]) == signature(third)


def test_unnamed_dimensions_of_one_size_change_together() -> None:
    value = onnx.helper.make_tensor_value_info
    inputs = [value("a", onnx.TensorProto.FLOAT, [0, 2]), value("b", onnx.TensorProto.FLOAT, [2, None])]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", inputs, []))
    (other,) = other_shapes(model, [draw(model, {"b": (2, 1)})], 1)
    assert dict(signature(other)) == {"a": (2, 2), "b": (2, 2)}
