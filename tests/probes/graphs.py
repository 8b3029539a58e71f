"""Graphs that cannot be right: wrong numbers of inputs, types and shapes that never fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import probe
from .loading import node, proto
from .models import model, ones, session

FLOAT, INTEGER, BOOLEAN = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
IN_BODIES = "jitrt finds types and shapes that do not fit inside a body when it runs"


def made(ort: Any, nodes: Any, weights: Any = None, declared: Any = (), **more: Any) -> Any:
    """A session of nodes, with weights by name and declarations of values."""
    source = onnx.load_from_string(proto(nodes, **more))
    source.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in (weights or {}).items())
    source.graph.value_info.extend(helper.make_tensor_value_info(*v) for v in declared)
    return session(ort, source.SerializeToString())


def outputs(ort: Any, *arguments: Any, **more: Any) -> list[str]:
    return [str(value) for value in made(ort, *arguments, **more).get_outputs()]


def matrices(*shapes: Any) -> list[Any]:
    return [(name, FLOAT, shape) for name, shape in zip("xzw", shapes, strict=False)]


@probe
def nodes_of_one_name(ort):
    made(ort, [node("Relu", ["x"], ["h"], "a"), node("Neg", ["h"], ["y"], "a")])


@probe
def constants_of_one_name(ort):
    constants = [node("Constant", [], [name], "a", value_float=1.0) for name in ("c", "d")]
    sums = [node("Add", ["x", "c"], ["h"], "a"), node("Add", ["h", "d"], ["y"], "b")]
    return made(ort, [*constants, *sums]).run(None, {"x": ones(2)})


@probe
def too_few_inputs(ort):
    made(ort, [node("Add", ["x"], ["y"], "a")])


@probe
def too_many_inputs(ort):
    made(ort, [node("Relu", ["x", "x"], ["y"], "a")])


@probe
def too_many_outputs(ort):
    made(ort, [node("Relu", ["x"], ["y", "z"], "a")])


@probe
def input_left_out(ort):
    made(ort, [node("Add", ["x", ""], ["y"], "a")])


@probe
def attribute_of_another_type(ort):
    made(ort, [node("Concat", ["x", "x"], ["y"], "c", axis=1.5)])


@probe
def attribute_unknown(ort):
    made(ort, [node("Relu", ["x"], ["y"], "a", axis=1)])


@probe
def operator_newer_than_its_opset(ort):
    made(ort, [node("Gelu", ["x"], ["y"], "g")])


@probe
def operator_that_was_removed(ort):
    made(ort, [node("Upsample", ["x", "x"], ["y"], "u")])


@probe(differs="jitrt counts the inputs of operators of com.microsoft when they run")
def too_few_inputs_of_a_contrib_operator(ort):
    made(ort, [node("FusedMatMul", ["x"], ["y"], domain="com.microsoft")])


@probe
def contrib_operator_unknown(ort):
    made(ort, [node("Nope", ["x"], ["y"], domain="com.microsoft")])


@probe
def type_that_an_operator_does_not_take(ort):
    made(ort, [node("Relu", ["x"], ["y"], "a")], inputs=[("x", BOOLEAN, [2])], outputs=[("y", BOOLEAN, [2])])


@probe
def type_of_an_index(ort):
    made(ort, [node("Gather", ["x", "x"], ["y"], "a")])


@probe
def type_of_a_condition(ort):
    made(ort, [node("Where", ["x", "x", "x"], ["y"], "a")])


@probe(differs="jitrt takes types in old opsets that operators take since later, as exporters write them")
def type_of_a_later_opset(ort):
    source = model("g (bfloat16[n] x) => (bfloat16[n] y) { y = Relu(x) }", 12)
    return session(ort, source).get_outputs()[0].type


@probe
def types_that_differ(ort):
    given = [("x", FLOAT, [2]), ("i", INTEGER, [2])]
    made(ort, [node("Add", ["x", "i"], ["y"], "a")], inputs=given)


@probe
def types_that_differ_later(ort):
    made(ort, [node("Cast", ["x"], ["i"], to=INTEGER), node("Add", ["x", "i"], ["y"])])


@probe
def type_of_an_initializer(ort):
    made(ort, [node("Add", ["x", "w"], ["y"], "a")], {"w": np.ones(2)})


@probe
def type_of_a_constant(ort):
    value = numpy_helper.from_array(np.ones(2), "w")
    made(ort, [node("Constant", [], ["w"], value=value), node("Add", ["x", "w"], ["y"], "a")])


@probe
def sequence_for_a_tensor(ort):
    session(ort, model("g (seq(float[n]) x) => (float[n] y) { y = Relu(x) }"))


@probe
def output_declared_of_another_type(ort):
    made(ort, [node("Neg", ["x"], ["y"], "a")], outputs=[("y", INTEGER, [2])])


@probe
def cast_declared_of_another_type(ort):
    made(ort, [node("Cast", ["x"], ["y"], "a", to=INTEGER)])


@probe
def value_declared_of_another_type(ort):
    nodes = [node("Relu", ["x"], ["h"], "r"), node("Neg", ["h"], ["y"], "n")]
    made(ort, nodes, declared=[("h", INTEGER, [2])])


@probe
def initializer_declared_of_another_type(ort):
    given = [("x", FLOAT, [2]), ("w", INTEGER, [2])]
    made(ort, [node("Add", ["x", "w"], ["y"])], {"w": ones(2)}, inputs=given)


@probe
def initializer_declared_of_another_shape(ort):
    made(ort, [node("Add", ["x", "w"], ["y"])], {"w": ones(2)}, inputs=[("x", FLOAT, [2]), ("w", FLOAT, [3])])


@probe
def branches_of_different_types(ort):
    value = helper.make_tensor_value_info
    then = helper.make_graph([node("Identity", ["x"], ["a"])], "t", [], [value("a", FLOAT, [2])])
    other = helper.make_graph([node("Cast", ["x"], ["b"], to=INTEGER)], "e", [], [value("b", INTEGER, [2])])
    choice = node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other)
    made(ort, [choice], inputs=[("x", FLOAT, [2]), ("c", BOOLEAN, [])])


@probe
def branches_of_different_numbers_of_outputs(ort):
    value = helper.make_tensor_value_info
    nodes = [node("Identity", ["x"], ["a"]), node("Neg", ["x"], ["c0"])]
    then = helper.make_graph(nodes, "t", [], [value("a", FLOAT, [2]), value("c0", FLOAT, [2])])
    other = helper.make_graph([node("Identity", ["x"], ["b"])], "e", [], [value("b", FLOAT, [2])])
    choice = node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other)
    made(ort, [choice], inputs=[("x", FLOAT, [2]), ("c", BOOLEAN, [])])


@probe(differs=IN_BODIES)
def types_that_differ_in_a_body(ort):
    value = helper.make_tensor_value_info
    then = helper.make_graph([node("Add", ["x", "i"], ["a"], "in")], "t", [], [value("a", FLOAT, [2])])
    other = helper.make_graph([node("Identity", ["x"], ["b"])], "e", [], [value("b", FLOAT, [2])])
    choice = node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other)
    made(ort, [choice], inputs=[("x", FLOAT, [2]), ("i", INTEGER, [2]), ("c", BOOLEAN, [])])


@probe
def matrices_that_never_fit(ort):
    made(ort, [node("MatMul", ["x", "z"], ["y"], "mm")], inputs=matrices([2, 3], [4, 5]))


@probe
def shapes_that_never_broadcast(ort):
    made(ort, [node("Add", ["x", "z"], ["y"], "a")], inputs=matrices([2, 3], [4]))


@probe
def shapes_that_never_fit_later(ort):
    nodes = [node("Relu", ["x"], ["h"]), node("Gemm", ["h", "z"], ["y"], "g")]
    made(ort, nodes, inputs=matrices([2, 3], [4, 5]))


@probe(message="onnxruntime's has no name of the node in its place")
def rank_of_a_matrix(ort):
    made(ort, [node("Gemm", ["x", "z"], ["y"], "g")], inputs=matrices([2, 3, 4], [4, 5]))


@probe
def rank_of_a_kernel(ort):
    made(ort, [node("Conv", ["x", "w"], ["y"], "c")], {"w": ones(4, 3, 3, 3)}, inputs=matrices([1, 3, 8]))


@probe
def concat_of_shapes_that_never_fit(ort):
    made(ort, [node("Concat", ["x", "z"], ["y"], "c", axis=1)], inputs=matrices([2, 3], [4, 5]))


@probe
def concat_of_ranks_that_differ(ort):
    made(ort, [node("Concat", ["x", "z"], ["y"], "c", axis=0)], inputs=matrices([2, 3], [4]))


@probe
def axis_that_is_not_there(ort):
    made(ort, [node("Concat", ["x", "x"], ["y"], "c", axis=3)], inputs=matrices([2, 3]))


@probe
def permutation_that_repeats_an_axis(ort):
    made(ort, [node("Transpose", ["x"], ["y"], "t", perm=[0, 0])], inputs=matrices([2, 3]))


@probe
def reshape_of_two_unknown_sizes(ort):
    made(ort, [node("Reshape", ["x", "s"], ["y"], "r")], {"s": np.array([-1, -1])}, inputs=matrices([2, 3]))


@probe
def squeeze_of_a_size_that_is_not_one(ort):
    made(ort, [node("Squeeze", ["x", "s"], ["y"], "s")], {"s": np.array([0])}, inputs=matrices([2, 3]))


@probe
def split_that_does_not_add_up(ort):
    split = node("Split", ["x", "s"], ["y", "z"], "s")
    made(ort, [split], {"s": np.array([1, 1])}, inputs=matrices([4, 3]), outputs=("y", "z"))


@probe
def output_of_no_declared_shape(ort):
    nodes = [node("Concat", ["x", "x"], ["y"], axis=1)]
    return outputs(ort, nodes, inputs=matrices(["n", 3])), outputs(ort, nodes, inputs=matrices([2, None]))


@probe
def output_of_no_declared_type(ort):
    source = onnx.load_from_string(proto([node("Relu", ["x"], ["y"])]))
    source.graph.output[0].ClearField("type")
    return [str(value) for value in session(ort, source.SerializeToString()).get_outputs()]


@probe
def output_declared_of_another_shape(ort):
    nodes, given = [node("Relu", ["x"], ["y"])], matrices([2, "n", 4])
    shapes = [5, "m", 4], ["a", "b", "c"], [2, None, None], [2, 7, 4], [2, 3], []
    return [outputs(ort, nodes, inputs=given, outputs=[("y", FLOAT, shape)]) for shape in shapes]


@probe
def value_declared_of_another_shape(ort):
    nodes = [node("Relu", ["x"], ["h"]), node("Neg", ["h"], ["y"])]
    shapes = [[5, 3], ["q", 3], ["q", "r"]]
    return [outputs(ort, nodes, declared=[("h", FLOAT, s)], inputs=matrices([None, 3])) for s in shapes]


@probe
def values_declared_wrongly_still_run(ort):
    nodes = [node("Relu", ["x"], ["h"]), node("Neg", ["h"], ["y"])]
    wrong = made(ort, nodes, declared=[("h", FLOAT, [5])], outputs=[("y", FLOAT, [2, 2])])
    return wrong.run(None, {"x": ones(2)})


@probe
def output_twice(ort):
    twice = made(ort, [node("Relu", ["x"], ["y"])], outputs=("y", "y"))
    return len(twice.get_outputs()), twice.run(None, {"x": ones(2)})


@probe
def input_as_output(ort):
    return made(ort, [], outputs=("x",)).run(None, {"x": ones(2)})


@probe
def initializer_as_output(ort):
    both = made(ort, [node("Relu", ["x"], ["y"])], {"w": ones(4)}, outputs=("y", "w"))
    return both.run(None, {"x": ones(2)})


@probe
def no_outputs(ort):
    return made(ort, [node("Relu", ["x"], ["y"])], outputs=()).run(None, {"x": ones(2)})


@probe(differs="jitrt reads the data of initializers that no node reads")
def data_too_short_for_an_initializer(ort):
    source = onnx.load_from_string(proto([node("Relu", ["x"], ["y"])]))
    source.graph.initializer.append(TensorProto(name="w", data_type=1, dims=[4], raw_data=b"12345678"))
    return session(ort, source.SerializeToString()).get_inputs()[0].name
