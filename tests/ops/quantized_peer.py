"""Models of one quantised operator of com.microsoft, and onnxruntime's answer for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

PACKED = ("int4", "uint4", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")  # not taken as inputs


def one_operator(
    op: str, inputs: Sequence[Any], outputs: int, constants: Sequence[int], **attributes: Any
) -> tuple[bytes, dict[str, Any]]:
    """A model and what to feed it; `constants` are the numbers of inputs that are initializers."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    while not names[-1]:
        names.pop()
    given = {n: np.asarray(x) for n, x in zip(names, inputs, strict=False) if n}
    fixed = {n: x for n, x in given.items() if x.dtype.name in PACKED or int(n[1:]) in constants}
    results = [f"y{i}" for i in range(outputs)]
    nodes = [helper.make_node(op, names, results, domain="com.microsoft", **attributes)]
    if op == "QuantizeLinear":  # whose result may be a type that onnxruntime does not give
        nodes.append(helper.make_node("Cast", results, ["whole"], to=TensorProto.INT32))
        results = ["whole"]
    fed = {n: x for n, x in given.items() if n not in fixed}
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), [None] * x.ndim)
        for n, x in fed.items()
    ]
    untyped = [onnx.ValueInfoProto(name=n) for n in results]
    initializers = [numpy_helper.from_array(x, n) for n, x in fixed.items()]
    graph = helper.make_graph(nodes, op, infos, untyped, initializers)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return model.SerializeToString(), fed


def onnxruntime_outputs(
    op: str, inputs: Sequence[Any], *, outputs: int = 1, constants: Sequence[int] = (), **attributes: Any
) -> list[np.ndarray[Any, Any]]:
    """The outputs, with one thread."""
    ort = pytest.importorskip("onnxruntime")
    model, fed = one_operator(op, inputs, outputs, constants, **attributes)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, fed)
