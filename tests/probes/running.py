"""Runs: names, shapes, errors of nodes, OrtValues, threads."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from . import probe
from .loading import node, proto
from .models import (
    AFFINE,
    RELU,
    TWO_OUTPUTS,
    feed,
    model,
    ones,
    run,
    session,
)

NAMES_NODES = "jitrt names the operator and the shapes that do not fit; onnxruntime may name a fused node"


@probe
def all_outputs(ort):
    return session(ort).run(None, feed())


@probe
def all_outputs_by_an_empty_list(ort):
    return session(ort).run([], feed())


@probe
def positional_arguments(ort):
    return session(ort).run(["y"], feed(), None)


@probe
def keyword_arguments(ort):
    return session(ort).run(output_names=None, input_feed=feed(), run_options=ort.RunOptions())


@probe
def some_outputs(ort):
    return run(ort, TWO_OUTPUTS, ["z"], x=ones(2))


@probe
def outputs_in_another_order(ort):
    return run(ort, TWO_OUTPUTS, ["z", "y"], x=ones(2))


@probe
def outputs_as_a_tuple(ort):
    return run(ort, TWO_OUTPUTS, ("z", "y"), x=ones(2))


@probe
def an_output_twice(ort):
    return run(ort, TWO_OUTPUTS, ["z", "z"], x=ones(2))


@probe(differs="jitrt computes any value of the graph")
def value_that_is_no_output(ort):
    return session(ort).run(["m"], feed())


@probe
def missing_input(ort):
    session(ort).run(None, {"x": ones(2, 4)})


@probe
def misspelt_input(ort):
    session(ort).run(None, {"xx": ones(2, 4), "b": ones(3)})


@probe
def input_too_many(ort):
    session(ort).run(None, feed(zz=ones(1)))


@probe
def unknown_output(ort):
    session(ort).run(["nope"], feed())


@probe
def output_names_is_a_string(ort):
    session(ort).run("y", feed())


@probe
def output_names_of_numbers(ort):
    session(ort).run([1], feed())


@probe
def wrong_rank(ort):
    session(ort).run(None, feed(x=ones(4)))


@probe
def wrong_dimension(ort):
    session(ort).run(None, feed(x=ones(2, 5)))


@probe
def two_wrong_dimensions(ort):
    run(ort, model("g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }"), x=ones(4, 5))


@probe(message=NAMES_NODES)
def matrices_that_do_not_fit(ort):
    source = model("g (float[a,b] x, float[c,d] z) => (float[a,d] y) { y = MatMul(x, z) }")
    run(ort, source, x=ones(2, 3), z=ones(4, 5))


@probe(message=NAMES_NODES)
def shapes_that_do_not_broadcast(ort):
    source = model("g (float[a] x, float[b] z) => (float[c] y) { y = Add(x, z) }")
    run(ort, source, x=ones(2), z=ones(3))


@probe(message=NAMES_NODES)
def concat_of_shapes_that_differ(ort):
    source = model("g (float[n,2] x, float[n,2] z) => (float[n,4] y) { y = Concat <axis = 1> (x, z) }")
    run(ort, source, x=ones(2, 2), z=ones(3, 2))


@probe
def index_out_of_bounds(ort):
    given = [("x", TensorProto.FLOAT, ["n"]), ("i", TensorProto.INT64, ["m"])]
    source = proto([node("Gather", ["x", "i"], ["y"], "ga")], inputs=given)
    run(ort, source, x=ones(2), i=np.array([5]))


@probe(message=NAMES_NODES)
def reshape_that_does_not_divide(ort):
    given = [("x", TensorProto.FLOAT, ["n"]), ("s", TensorProto.INT64, [2])]
    source = proto([helper.make_node("Reshape", ["x", "s"], ["y"], "rs")], inputs=given)
    run(ort, source, x=ones(6), s=np.array([4, -1]))


@probe
def run_with_ort_values(ort):
    made = session(ort)
    values = {k: ort.OrtValue.ortvalue_from_numpy(v) for k, v in feed().items()}
    return [(type(v).__name__, v.numpy()) for v in made.run_with_ort_values(["y"], values)]


@probe
def run_with_ort_values_of_all_outputs(ort):
    values = {k: ort.OrtValue.ortvalue_from_numpy(v) for k, v in feed().items()}
    return session(ort).run_with_ort_values(None, values)[0].numpy()


@probe
def run_with_ort_values_missing(ort):
    session(ort).run_with_ort_values(None, {"x": ort.OrtValue.ortvalue_from_numpy(ones(2, 4))})


@probe(differs="jitrt takes arrays for OrtValues")
def run_with_ort_values_of_arrays(ort):
    return session(ort).run_with_ort_values(["y"], feed())[0].numpy()


def in_background(ort, feeds, names=None):
    import threading

    done, got = threading.Event(), []

    def callback(results, user_data, error):
        got.append((results, user_data, error))
        done.set()

    made = session(ort)
    made.run_async(names, feeds, callback, "mine")
    done.wait(10)
    return got


@probe
def run_async(ort):
    return in_background(ort, feed(), ["y"])


@probe
def run_async_of_all_outputs(ort):
    return in_background(ort, feed())


@probe
def run_async_with_a_missing_input(ort):
    return in_background(ort, {"x": ones(2, 4)})


@probe
def run_async_with_a_wrong_type(ort):
    return in_background(ort, feed(x=ones(2, 4, dtype=np.int8)))


@probe
def terminate(ort):
    options = ort.RunOptions()
    options.terminate = True
    session(ort).run(None, feed(), options)


@probe
def run_after_terminate(ort):
    options, made = ort.RunOptions(), session(ort)
    options.terminate = True
    try:
        made.run(None, feed(), options)
    except Exception:
        options.terminate = False
    return made.run(None, feed(), options)


@probe
def run_options_of_another_type(ort):
    session(ort).run(None, feed(), {"terminate": True})


@probe
def run_of_vectors(ort):
    made = session(ort)
    values = [ort.OrtValue.ortvalue_from_numpy(v) for v in feed().values()]
    state = ort.capi.onnxruntime_pybind11_state
    feeds, fetches = state.OrtValueVector(), state.OrtValueVector()
    for value in values:
        feeds.push_back(getattr(value, "_ortvalue", value))
    devices = [ort.OrtDevice.make("cpu", 0)._get_c_device()]
    made.run_with_ortvaluevector(ort.RunOptions(), ["x", "b"], feeds, ["y"], fetches, devices)
    return len(fetches), fetches[0].numpy()


@probe
def sessions_have_a_class(ort):
    made = session(ort, AFFINE)
    return isinstance(made, ort.InferenceSession), type(made).__name__


@probe
def subclass_of_session(ort):
    class Mine(ort.InferenceSession):
        def __init__(self, source):
            super().__init__(source, providers=["CPUExecutionProvider"])
            self.extra = 1

        def run(self, output_names, input_feed, run_options=None):
            return [*super().run(output_names, input_feed, run_options), self.extra]

    return Mine(RELU).run(None, {"x": ones(2)})
