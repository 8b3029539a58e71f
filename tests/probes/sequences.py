"""Sequences, optionals and maps: as inputs, as outputs, and as OrtValues."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from . import probe
from .models import OPTIONAL, SEQUENCE, model, ones, run, session

PAIR = model("g (float[n] x) => (seq(float[n]) y) { y = SequenceConstruct(x, x) }")
EMPTY = model("g (float[n] x) => (seq(int64[n]) y) { y = SequenceEmpty <dtype = 7> () }")
HOLDS_ANY = "an OrtValue of jitrt holds any value, and gives it"


def maps() -> bytes:
    """A model of maps from three classes."""
    source = onnx.load_from_string(model("g (float[n,3] x) => (float[n,3] y) { y = Relu(x) }"))
    classes = {"domain": "ai.onnx.ml", "classlabels_int64s": [1, 2, 3]}
    source.graph.node[0].CopyFrom(helper.make_node("ZipMap", ["x"], ["y"], **classes))
    source.opset_import.add(domain="ai.onnx.ml", version=1)
    kind = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(1, []))
    source.graph.output[0].CopyFrom(helper.make_value_info("y", helper.make_sequence_type_proto(kind)))
    return source.SerializeToString()


def value(ort, source=PAIR, x=None):
    given = ort.OrtValue.ortvalue_from_numpy(ones(2) if x is None else x)
    return session(ort, source).run_with_ort_values(None, {"x": given})[0]


@probe
def element_of_another_type(ort):
    run(ort, SEQUENCE, x=[ones(2), ones(3, dtype=np.float64)])


@probe
def elements_of_another_type(ort):
    run(ort, SEQUENCE, x=[ones(3, dtype=np.int64)])


@probe
def numbers_for_elements(ort):
    run(ort, SEQUENCE, x=[1.0, 2.0])


@probe
def lists_for_elements(ort):
    run(ort, SEQUENCE, x=[[1.0], [2.0]])


@probe
def none_for_an_element(ort):
    run(ort, SEQUENCE, x=[None])


@probe(differs="jitrt takes a tuple as a list; onnxruntime takes no tuple")
def tuple_for_a_sequence(ort):
    return run(ort, SEQUENCE, x=(ones(2),))


@probe(message="jitrt says which input is missing, before it computes anything")
def none_for_a_sequence(ort):
    run(ort, SEQUENCE, x=None)


@probe
def elements_that_are_not_contiguous(ort):
    return run(ort, SEQUENCE, x=[np.arange(8, dtype=np.float32)[::2]])


@probe
def elements_of_any_rank(ort):
    return run(ort, SEQUENCE, x=[ones(2, 2), ones(1)])


@probe
def optional_left_out(ort):
    return run(ort, OPTIONAL)


@probe
def optional_of_a_list(ort):
    return run(ort, OPTIONAL, x=[1.0, 2.0])


@probe
def optional_of_another_type(ort):
    run(ort, OPTIONAL, x=ones(2, dtype=np.float64))


@probe(differs="jitrt compares the type of an optional; its rank is the operators' business")
def optional_of_another_rank(ort):
    return run(ort, OPTIONAL, x=ones(2, 2))


@probe
def descriptions(ort):
    made = session(ort, OPTIONAL)
    return [str(value) for value in (*made.get_inputs(), *made.get_outputs())]


@probe
def value_of_a_sequence(ort):
    v = value(ort)
    return v.is_tensor(), v.is_tensor_sequence(), v.data_type(), v.element_type(), v.has_value()


@probe
def value_of_an_empty_sequence(ort):
    v = value(ort, EMPTY)
    return v.is_tensor_sequence(), v.data_type(), v.element_type(), v.has_value()


@probe
def value_of_maps(ort):
    v = value(ort, maps(), ones(1, 3))
    return v.is_tensor(), v.is_tensor_sequence(), v.data_type()


@probe
def maps_of_a_run(ort):
    return [str(a) for a in session(ort, maps()).get_outputs()], run(ort, maps(), x=ones(1, 3))


@probe(differs=HOLDS_ANY)
def value_of_a_sequence_as_a_list(ort):
    return value(ort).numpy()


@probe(differs=HOLDS_ANY)
def value_of_a_sequence_fed(ort):
    return session(ort, SEQUENCE).run_with_ort_values(None, {"x": value(ort)})[0].numpy()


@probe(message="jitrt names what has an address, for sparse tensors as well")
def address_of_a_sequence(ort):
    value(ort).data_ptr()
