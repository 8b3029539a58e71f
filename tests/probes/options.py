"""Options of sessions and runs."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx

from . import probe
from .models import AFFINE, DESCRIBED, OVERRIDABLE, RELU, each, feed, model, ones, session

FIELDS = {
    "enable_cpu_mem_arena": False,
    "enable_mem_pattern": False,
    "enable_mem_reuse": False,
    "enable_profiling": False,
    "inter_op_num_threads": 2,
    "intra_op_num_threads": 2,
    "log_severity_level": 3,
    "log_verbosity_level": 1,
    "logid": "mine",
    "optimized_model_filepath": "m.onnx",
    "profile_file_prefix": "mine",
    "use_deterministic_compute": True,
    "use_per_session_threads": True,
}
ENUMERATIONS = {
    "execution_mode": ("ExecutionMode", "ORT_PARALLEL"),
    "execution_order": ("ExecutionOrder", "PRIORITY_BASED"),
    "graph_optimization_level": ("GraphOptimizationLevel", "ORT_ENABLE_BASIC"),
}


@probe
def defaults(ort):
    options = ort.SessionOptions()
    return {name: getattr(options, name) for name in [*FIELDS, *ENUMERATIONS]}


@probe
def fields_can_be_set(ort):
    options = ort.SessionOptions()
    for name, value in FIELDS.items():
        setattr(options, name, value)
    for name, (kind, value) in ENUMERATIONS.items():
        setattr(options, name, getattr(getattr(ort, kind), value))
    return {name: getattr(options, name) for name in [*FIELDS, *ENUMERATIONS]}


@probe(differs="jitrt says once of options that they have no meaning here; onnxruntime ignores some silently")
def options_without_a_meaning(ort):
    options = ort.SessionOptions()
    options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    options.inter_op_num_threads = 2
    options.add_session_config_entry("session.nothing_of_the_kind", "1")
    return session(ort, AFFINE, options).run(None, feed())


@probe
def unknown_field(ort):
    ort.SessionOptions().foo = 1


@probe
def field_of_another_type(ort):
    ort.SessionOptions().intra_op_num_threads = "2"


@probe
def level_from_a_number(ort):
    ort.SessionOptions().graph_optimization_level = 1


@probe
def number_from_numpy(ort):
    options = ort.SessionOptions()
    options.intra_op_num_threads = np.int64(2)
    return options.intra_op_num_threads


@probe
def flag_from_a_number(ort):
    ort.SessionOptions().enable_profiling = 1


@probe
def negative_threads(ort):
    options = ort.SessionOptions()
    options.intra_op_num_threads = -1
    return session(ort, AFFINE, options).run(None, feed())


@probe
def every_level(ort):
    results = []
    for level in ("DISABLE_ALL", "ENABLE_BASIC", "ENABLE_EXTENDED", "ENABLE_LAYOUT", "ENABLE_ALL"):
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_{level}")
        results += session(ort, AFFINE, options).run(None, feed())
    return results


@probe
def dimension_by_name(ort):
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("batch", 2)
    return session(ort, AFFINE, options).get_inputs()[0].shape


@probe
def dimension_by_unknown_name(ort):
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("nope", 2)
    return session(ort, AFFINE, options).get_inputs()[0].shape


@probe
def dimension_by_name_violated(ort):
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("batch", 2)
    session(ort, AFFINE, options).run(None, feed(x=ones(3, 4)))


@probe
def dimension_by_denotation(ort):
    source = onnx.load_from_string(AFFINE)
    source.graph.input[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_denotation("DATA_BATCH", 5)
    return session(ort, source.SerializeToString(), options).get_inputs()[0].shape


@probe
def dimension_of_another_type(ort):
    ort.SessionOptions().add_free_dimension_override_by_name("batch", "two")


@probe
def config_entry(ort):
    options = ort.SessionOptions()
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options.get_session_config_entry("session.set_denormal_as_zero")


@probe
def config_entry_missing(ort):
    ort.SessionOptions().get_session_config_entry("session.x")


@probe
def config_entry_of_a_number(ort):
    ort.SessionOptions().add_session_config_entry("session.x", 1)


@probe(differs="sessions of jitrt differ in it; in onnxruntime the process's first one decides for all")
def denormals_as_zero(ort):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    source = model("g (float[n] x, float[n] z) => (float[n] y) { y = Mul(x, z) }")
    return session(ort, source, options).run(None, {"x": np.float32([1e-40]), "z": ones(1)})


def with_weight(ort, value):
    options = ort.SessionOptions()
    given = ort.OrtValue.ortvalue_from_numpy(value)
    options.add_initializer("w", given)
    source = model("g (float[n] x) => (float[n] y) <float[1] w = {10}> { y = Add(x, w) }")
    return session(ort, source, options).run(None, {"x": ones(2)})


@probe
def initializer(ort):
    return with_weight(ort, np.float32([5]))


@probe(differs="jitrt compares types and shapes; onnxruntime reads the bytes as the model's type")
def initializer_of_another_type(ort):
    return with_weight(ort, np.float64([5]))


@probe
def optimized_model(ort):
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(Path(folder, "out.onnx"))
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session(ort, AFFINE, options)
        return session(ort, options.optimized_model_filepath).run(None, feed())


@probe
def session_options_of_a_session(ort):
    options = ort.SessionOptions()
    options.logid = "mine"
    return session(ort, AFFINE, options).get_session_options().logid


@probe
def options_without(ort):
    return session(ort).get_session_options().intra_op_num_threads


@probe(message="jitrt refuses any, and names @jitrt.op")
def custom_operators_library(ort):
    ort.SessionOptions().register_custom_ops_library("nope.so")


@probe
def has_providers(ort):
    options = ort.SessionOptions()
    before = options.has_providers()
    options.add_provider("CPUExecutionProvider", {})
    return before, options.has_providers()


@probe(differs="options of jitrt pickle")
def pickled_options(ort):
    import pickle

    return pickle.loads(pickle.dumps(ort.SessionOptions())).logid


@probe
def profile(ort):
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "mine"))
        made = session(ort, RELU, options)
        started = made.get_profiling_start_time_ns() > 0
        made.run(None, {"x": ones(2)})
        path = made.end_profiling()
        events = json.loads(Path(path).read_text())
        kinds = {event["cat"] for event in events}
        fields = set.intersection(*(set(event) for event in events if event["cat"] == "Node"))
        return started, os.path.basename(path)[:5], sorted(kinds), sorted(fields)


@probe
def profile_of_a_session_without(ort):
    made = session(ort)
    return made.end_profiling(), made.get_profiling_start_time_ns()


@probe
def run_options_defaults(ort):
    options = ort.RunOptions()
    names = (
        "log_severity_level",
        "log_verbosity_level",
        "logid",
        "only_execute_path_to_fetches",
        "terminate",
    )
    return {name: getattr(options, name) for name in names}


@probe
def run_options_set(ort):
    options = ort.RunOptions()
    options.log_severity_level, options.log_verbosity_level, options.logid = 3, 1, "tag"
    options.only_execute_path_to_fetches = True
    return session(ort).run(None, feed(), options), options.logid


@probe
def run_options_unknown_field(ort):
    ort.RunOptions().foo = 1


@probe
def run_options_terminate_of_another_type(ort):
    ort.RunOptions().terminate = "yes"


@probe
def run_config_entry(ort):
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return session(ort).run(None, feed(), options), options.get_run_config_entry(
        "memory.enable_memory_arena_shrinkage"
    )


@probe
def run_config_entry_missing(ort):
    ort.RunOptions().get_run_config_entry("nope")


@probe
def metadata(ort):
    meta = session(ort, DESCRIBED).get_modelmeta()
    names = ("producer_name", "domain", "description", "graph_name", "graph_description", "version")
    return [getattr(meta, n) for n in names], sorted(meta.custom_metadata_map.items())


@probe
def metadata_of_a_model_without(ort):
    meta = session(ort).get_modelmeta()
    return meta.version, meta.custom_metadata_map, meta.producer_name


@probe
def node_argument_as_text(ort):
    made = session(ort)
    return [str(a) for a in (*made.get_inputs(), *made.get_outputs())]


@probe
def node_argument_of_a_sequence(ort):
    source = model("g (seq(float[n]) x, optional(float[2]) o) => (seq(float[n]) y) { y = Identity(x) }", 18)
    return [str(a) for a in session(ort, source).get_inputs()]


@probe
def node_arguments_are_equal(ort):
    made = session(ort, OVERRIDABLE)
    first, second = made.get_inputs()[0], made.get_inputs()[0]
    return first == second, hash(first) == hash(second), first == made.get_outputs()[0], first != 1


@probe(message="Python's own message")
def node_argument_is_read_only(ort):
    session(ort).get_inputs()[0].name = "q"


@probe(message="Python's own message")
def node_argument_cannot_be_made(ort):
    ort.NodeArg()


@probe
def enumerations(ort):
    level = ort.GraphOptimizationLevel
    one = level.ORT_ENABLE_EXTENDED
    return one.name, one.value, int(one), str(one), repr(one), one == level(2), {one: 1}[level(2)], one == 2


@probe
def names_of_enumerations(ort):
    kinds = ("GraphOptimizationLevel", "ExecutionMode", "ExecutionOrder", "OrtAllocatorType", "OrtMemType")
    return {k: sorted((n, int(v)) for n, v in getattr(ort, k).__members__.items()) for k in kinds}


@probe
def names_of_device_enumerations(ort):
    kinds = ("OrtDeviceMemoryType", "OrtDeviceVendorId", "OrtMemoryInfoDeviceType", "OrtHardwareDeviceType")
    return {k: sorted((n, int(v)) for n, v in getattr(ort, k).__members__.items()) for k in kinds}


@probe
def names_of_policies(ort):
    kind = ort.OrtExecutionProviderDevicePolicy
    return {n: int(v) for n, v in kind.__members__.items()}


@probe
def logger_severity(ort):
    before = [ort.set_default_logger_severity(s) for s in (0, 1, 2, 3, 4)]
    return before, each((-1, 5), ort.set_default_logger_severity)


@probe
def logger_verbosity(ort):
    return ort.set_default_logger_verbosity(0)
