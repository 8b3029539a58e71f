"""What onnxruntime gives for one operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from jitrt.errors import NotImplemented as NotImplementedHere


def by_onnxruntime(
    op: str, inputs: Sequence[Any], outputs: int, *, domain: str, version: int, **attributes: Any
) -> list[Any]:
    """The outputs, from a session without optimisation and with one thread.

    Raises NotImplemented where onnxruntime does not have the operator for such inputs.
    """
    import onnxruntime

    arrays = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}
    results = [f"y{i}" for i in range(outputs)]
    given = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    node = helper.make_node(op, list(arrays), results, domain=domain, **given)
    typed = [helper.make_tensor_value_info(n, _type(a), [None] * a.ndim) for n, a in arrays.items()]
    graph = helper.make_graph([node], "g", typed, [onnx.ValueInfoProto(name=n) for n in results])
    opsets = [helper.make_opsetid("", 18)]
    if domain:
        opsets.append(helper.make_opsetid(domain, version))
    model = onnx.shape_inference.infer_shapes(helper.make_model(graph, ir_version=10, opset_imports=opsets))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error):
            raise NotImplementedHere(str(error)) from None
        raise
    answers: list[Any] = session.run(None, arrays)
    return answers


def _type(array: np.ndarray[Any, Any]) -> int:
    return TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
