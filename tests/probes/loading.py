"""Models that load and models that do not."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import probe
from .models import AFFINE, RELU, model, ones, session


def in_file(ort: Any, content: bytes, name: str = "m.onnx") -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return session(ort, str(path)).get_inputs()[0].name


def proto(nodes: list[Any], opset: int = 17, ir: int = 10, inputs: Any = (), outputs: Any = ("y",)) -> bytes:
    given = inputs or [("x", TensorProto.FLOAT, [2])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*i) for i in given],
        [
            helper.make_tensor_value_info(*(o if isinstance(o, tuple) else (o, TensorProto.FLOAT, None)))
            for o in outputs
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir).SerializeToString()


node = helper.make_node


@probe
def from_bytes(ort):
    return session(ort, AFFINE).get_inputs()[0].name


@probe
def from_path(ort):
    return in_file(ort, AFFINE)


@probe
def from_path_object(ort):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.onnx")
        path.write_bytes(AFFINE)
        made = session(ort, path)
        return made._model_path == str(path), made._model_bytes


@probe
def no_such_file(ort):
    session(ort, "nope.onnx")


@probe
def directory(ort):
    with tempfile.TemporaryDirectory() as folder:
        session(ort, folder)


@probe
def corrupt_file(ort):
    in_file(ort, b"\x99" * 100)


@probe
def empty_file(ort):
    in_file(ort, b"")


@probe
def truncated_file(ort):
    in_file(ort, AFFINE[: len(AFFINE) // 2])


@probe
def corrupt_bytes(ort):
    session(ort, b"\x99" * 100)


@probe
def empty_bytes(ort):
    session(ort, b"")


@probe
def truncated_bytes(ort):
    session(ort, AFFINE[: len(AFFINE) // 2])


@probe
def model_proto(ort):
    session(ort, onnx.load_from_string(AFFINE))


@probe
def bytearray_(ort):
    session(ort, bytearray(AFFINE))


@probe
def bytes_io(ort):
    session(ort, io.BytesIO(AFFINE))


@probe
def none(ort):
    session(ort, None)


@probe
def unknown_operator(ort):
    session(ort, proto([node("Frobnicate", ["x"], ["y"])]))


@probe
def unknown_domain(ort):
    session(ort, proto([node("Foo", ["x"], ["y"], domain="my.dom")]))


@probe
def contrib_operator_without_import(ort):
    return session(ort, proto([node("Gelu", ["x"], ["y"], domain="com.microsoft")])).get_outputs()[0].name


@probe
def dangling_input(ort):
    session(ort, proto([node("Relu", ["zzz"], ["y"])]))


@probe
def cycle(ort):
    session(
        ort, proto([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Neg", ["b"], ["y"])])
    )


@probe
def not_in_topological_order(ort):
    source = proto([node("Neg", ["a"], ["y"]), node("Neg", ["x"], ["a"])])
    return session(ort, source).run(None, {"x": ones(2)})


@probe
def duplicate_value(ort):
    session(ort, proto([node("Neg", ["x"], ["y"]), node("Relu", ["x"], ["y"])]))


@probe
def output_that_nothing_computes(ort):
    session(ort, proto([node("Neg", ["x"], ["z"])]))


@probe
def missing_attribute(ort):
    session(ort, proto([node("Concat", ["x", "x"], ["y"], "c")]))


@probe
def opset_too_new(ort):
    session(ort, proto([node("Neg", ["x"], ["y"])], opset=99))


@probe
def ir_version_too_new(ort):
    session(ort, proto([node("Neg", ["x"], ["y"])], ir=99))


@probe(differs="jitrt has kernels for every type that the specification allows")
def kernel_not_implemented(ort):
    given = [("x", TensorProto.UINT16, [2])]
    source = proto(
        [node("Max", ["x", "x"], ["y"], "mx")], inputs=given, outputs=[("y", TensorProto.UINT16, [2])]
    )
    return session(ort, source).run(None, {"x": ones(2, dtype=np.uint16)})


def external(folder: str) -> bytes:
    weights = numpy_helper.from_array(np.ones(300, np.float32), "w")
    Path(folder, "weights.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    source = onnx.load_from_string(proto([node("Add", ["x", "w"], ["y"])], inputs=[("x", 1, [300])]))
    source.graph.initializer.append(weights)
    return source.SerializeToString()


@probe
def external_data(ort):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.onnx")
        path.write_bytes(external(folder))
        return session(ort, str(path)).run(None, {"x": ones(300)})[0][:2]


@probe
def external_data_missing(ort):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.onnx")
        path.write_bytes(external(folder))
        Path(folder, "weights.bin").unlink()
        session(ort, str(path))


@probe
def external_data_of_bytes(ort):
    with tempfile.TemporaryDirectory() as folder:
        source = external(folder)
    session(ort, source)


@probe
def unknown_keyword(ort):
    return session(ort, RELU, nonsense=3).get_providers()


@probe
def dimensions_without_names(ort):
    source = model("g (float[2,?,n] x) => (float[2,?,n] y) { y = Relu(x) }")
    made = session(ort, source)
    return made.get_inputs()[0].shape, made.get_outputs()[0].shape


@probe
def names_of_types(ort):
    found = {}
    for name in (
        "float",
        "double",
        "float16",
        "bfloat16",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
    ):
        source = model(f"g ({name}[2] x) => ({name}[2] y) {{ y = Identity(x) }}", 21)
        found[name] = session(ort, source).get_inputs()[0].type
    return found


@probe
def names_of_the_other_types(ort):
    found = {}
    for name in ("uint32", "uint64", "bool", "string", "float8e4m3fn", "float8e5m2"):
        source = model(f"g ({name}[2] x) => ({name}[2] y) {{ y = Identity(x) }}", 21)
        found[name] = session(ort, source).get_inputs()[0].type
    return found


@probe(differs="jitrt runs models of 4-bit integers, of which onnxruntime has few kernels")
def types_of_4_bits(ort):
    source = model("g (int4[2] x) => (int4[2] y) { y = Identity(x) }", 25)
    return session(ort, source).get_inputs()[0].type


@probe(differs="jitrt has complex tensors")
def complex_numbers(ort):
    source = proto(
        [node("Identity", ["x"], ["y"])],
        inputs=[("x", TensorProto.COMPLEX64, [2])],
        outputs=[("y", TensorProto.COMPLEX64, [2])],
    )
    session(ort, source)
