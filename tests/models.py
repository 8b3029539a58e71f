"""Models built in the tests, and comparison with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import jitrt

node = helper.make_node
info = helper.make_tensor_value_info
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
    constants: Mapping[str, Any] | None = None,
    *,
    opset: int = 18,
    ir: int = 10,
    domains: Mapping[str, int] | None = None,
) -> bytes:
    """A model. `inputs` has shapes, which are lists, or pairs of element type and shape."""
    constants = constants or {}
    graph = helper.make_graph(
        list(nodes),
        "g",
        [info(name, *_type(kind)) for name, kind in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid(*entry) for entry in {"": opset, **(domains or {})}.items()]
    proto = helper.make_model(graph, ir_version=ir, opset_imports=imports)
    return typed(proto).SerializeToString()


def _type(kind: Any) -> tuple[int, Any]:
    return kind if isinstance(kind, tuple) else (FLOAT, kind)


def typed(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the types of its outputs, by shape inference; their shapes are left out."""
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=False)
    for output, found in zip(proto.graph.output, inferred.graph.output, strict=True):
        output.type.CopyFrom(found.type)
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.ClearField("shape")
    return proto


def session(source: bytes, *, threads: int = 1, fused: bool = True) -> jitrt.InferenceSession:
    """A session of jitrt."""
    options = jitrt.SessionOptions()
    options.intra_op_num_threads = threads
    if not fused:
        options.graph_optimization_level = jitrt.GraphOptimizationLevel.ORT_DISABLE_ALL
    return jitrt.InferenceSession(source, options)


def reference(source: bytes | str, optimised: bool = False) -> Any:
    """A session of onnxruntime that computes every operator by itself, unless it is optimised."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def assert_close(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    """Same types and shapes, and values within a tolerance relative to the largest, in containers too."""
    assert type(got) is type(wanted)
    if isinstance(wanted, (list, tuple)):
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            assert_close(g, w, tolerance)
    elif isinstance(wanted, dict):
        assert list(got) == list(wanted)
        assert_close(np.array([*got.values()]), np.array([*wanted.values()]), tolerance)
    else:
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(got, wanted)
            return
        g, w = got.astype(np.float64), wanted.astype(np.float64)
        finite = np.isfinite(w)
        np.testing.assert_array_equal(g[~finite], w[~finite])
        scale = np.abs(w[finite]).max(initial=0) or 1.0
        error = np.abs(g[finite] - w[finite]).max(initial=0) / scale
        assert error <= tolerance, f"relative error {error:.1e}"


def spread(results: Any, others: Any) -> float:
    """The largest difference between arrays of floats, each relative to the largest number in it."""
    found = [0.0]
    for one, other in zip(results, others, strict=True):
        if isinstance(one, np.ndarray) and one.dtype.kind == "f" and one.size:
            a, b = one.astype(np.float64), other.astype(np.float64)
            found.append(float(np.nanmax(np.abs(a - b)) / (np.nanmax(np.abs(b)) or 1.0)))
    return max(found)


def assert_like_onnxruntime(
    source: bytes, *feeds: Mapping[str, Any], tolerance: float = 1e-5, fused: bool = True
) -> None:
    """Every feed gives what onnxruntime gives."""
    ours, theirs = session(source, fused=fused), reference(source)
    for feed in feeds:
        assert_close(ours.run(None, dict(feed)), theirs.run(None, dict(feed)), tolerance)


def random(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """Normally distributed numbers, the same for the same arguments."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)
