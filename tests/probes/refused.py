"""Arguments of a wrong kind, and what is at the edge of what is taken."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import ml_dtypes
import numpy as np

from . import probe
from .models import AFFINE, INTEGERS, OVERRIDABLE, RELU, STRINGS, each, feed, model, ones, run, session

SCALAR = model("g (float x) => (float y) { y = Relu(x) }")
MATRIX = model("g (float[a,b] x) => (float[a,b] y) { y = Relu(x) }")
TEXTS = "onnxruntime turns elements that are no strings into text; jitrt gives them to the operators"
SMALL_TYPES = "jitrt takes and gives arrays of ml_dtypes' types, which onnxruntime's Python does not know"


@probe
def structured_array(ort):
    run(ort, RELU, x=np.zeros(2, [("a", "f4")]))


@probe
def array_of_bytes_without_a_type(ort):
    run(ort, RELU, x=np.zeros(2, "V4"))


@probe
def long_double(ort):
    run(ort, RELU, x=np.zeros(2, np.longdouble))


@probe
def masked_array(ort):
    return run(ort, RELU, x=np.ma.masked_array(ones(2), mask=[0, 1]))


@probe
def matrix_of_numpy(ort):
    return run(ort, MATRIX, x=np.asmatrix(ones(1, 2)))


@probe
def strides_below_zero(ort):
    return run(ort, RELU, x=np.arange(3, dtype=np.float32)[::-1])


@probe
def strides_of_zero(ort):
    return run(ort, MATRIX, x=np.broadcast_to(ones(2), (2, 2)))


@probe
def zero_dimensions(ort):
    return run(ort, SCALAR, x=np.array(2, np.float32))


@probe
def any_shape_for_a_scalar(ort):
    return run(ort, SCALAR, x=ones(3)), run(ort, SCALAR, x=ones(2, 2)), run(ort, SCALAR, x=[1.0])


@probe
def lists(ort):
    return run(ort, RELU, x=[True, False]), run(ort, RELU, x=[]), run(ort, INTEGERS, x=[1.5, 2])


@probe
def list_of_numpy_numbers(ort):
    return run(ort, RELU, x=[np.float32(1), np.float64(2)])


@probe(message="jitrt names the input, and what is wrong with it")
def list_of_text(ort):
    run(ort, RELU, x=["a", "b"])


@probe
def text_and_other_iterables(ort):
    return each(["ab", b"ab", range(2), iter([1.0])], lambda x: run(ort, RELU, x=x))


@probe(differs=TEXTS)
def none_among_strings(ort):
    return run(ort, STRINGS, x=np.array(["a", None], object))


@probe(differs="onnxruntime cuts NumPy's strings at a null character")
def string_with_a_null_character(ort):
    return run(ort, STRINGS, x=np.array(["a\0b", "c"]))


@probe(differs="jitrt takes NumPy's strings of any length")
def strings_of_any_length(ort):
    return run(ort, STRINGS, x=np.array(["a", "bcd"], dtype=np.dtypes.StringDType()))


@probe(differs=SMALL_TYPES)
def bfloat16(ort):
    source = model("g (bfloat16[n] x) => (float[n] y) { y = Cast <to = 1> (x) }")
    return run(ort, source, x=np.ones(2, ml_dtypes.bfloat16))


@probe(differs=SMALL_TYPES)
def float8(ort):
    source = model("g (float8e4m3fn[n] x) => (float[n] y) { y = Cast <to = 1> (x) }", 19)
    return run(ort, source, x=np.ones(2, ml_dtypes.float8_e4m3fn))


@probe(differs=SMALL_TYPES)
def bfloat16_as_output(ort):
    return run(ort, model("g (float[n] x) => (bfloat16[n] y) { y = Cast <to = 16> (x) }"), x=ones(2))


@probe(differs=SMALL_TYPES)
def bfloat16_for_float(ort):
    run(ort, RELU, x=np.ones(2, ml_dtypes.bfloat16))


@probe(differs=SMALL_TYPES)
def value_of_bfloat16(ort):
    return ort.OrtValue.ortvalue_from_numpy(np.ones(2, ml_dtypes.bfloat16)).data_type()


@probe(differs="jitrt swaps the bytes; onnxruntime reads them as they are")
def value_of_big_endian(ort):
    return ort.OrtValue.ortvalue_from_numpy(ones(2).astype(">f4")).numpy()


@probe
def type_of_a_value(ort):
    make = ort.OrtValue.ortvalue_from_shape_and_type
    return each([99, "nope"], lambda kind: make([2], kind))


@probe
def device_of_a_value(ort):
    ort.OrtValue.ortvalue_from_numpy(ones(2), "foo")


@probe
def address_of_an_unknown_type(ort):
    io = session(ort).io_binding()
    return each([99, "nope"], lambda kind: io.bind_input("x", "cpu", 0, kind, [2, 4], ones(2, 4).ctypes.data))


@probe
def address_on_an_unknown_device(ort):
    session(ort).io_binding().bind_input("x", "foo", 0, np.float32, [2, 4], ones(2, 4).ctypes.data)


@probe(message="jitrt names the package that would be needed")
def address_on_cuda(ort):
    session(ort).io_binding().bind_input("x", "cuda", 0, np.float32, [2, 4], ones(2, 4).ctypes.data)


@probe
def list_to_bind(ort):
    session(ort).io_binding().bind_cpu_input("x", [[1.0] * 4])


@probe(message="the attribute has another name")
def array_to_bind_as_a_value(ort):
    session(ort).io_binding().bind_ortvalue_input("x", ones(2, 4))


def bound(ort, **changes):
    made = session(ort)
    io = made.io_binding()
    for name, array in feed(**changes).items():
        io.bind_cpu_input(name, array)
    return made, io


@probe
def bound_inputs_of_wrong_shapes(ort):
    found = []
    for x in (ones(4), ones(2, 5), ones(2, 4, dtype=np.float64)):
        made, io = bound(ort, x=x)
        io.bind_output("y")
        found += each([io], made.run_with_iobinding)
    return found


@probe
def bound_output_of_another_type(ort):
    made, io = bound(ort)
    y = np.zeros((2, 3))
    io.bind_output("y", "cpu", 0, np.float64, [2, 3], y.ctypes.data)
    made.run_with_iobinding(io)


@probe
def bound_output_without_an_address(ort):
    made, io = bound(ort)
    io.bind_output("y", "cpu", 0, np.float32, [2, 3])
    io.bind_output("y")
    made.run_with_iobinding(io)
    return io.copy_outputs_to_cpu()


@probe
def columns_bound(ort):
    made, io = bound(ort, x=np.arange(16, dtype=np.float32).reshape(2, 8)[:, ::2])
    io.bind_output("y")
    made.run_with_iobinding(io)
    return io.copy_outputs_to_cpu()


@probe
def bound_run_that_is_ended(ort):
    made, io = bound(ort)
    io.bind_output("y")
    options = ort.RunOptions()
    options.terminate = True
    made.run_with_iobinding(io, options)


@probe(differs="jitrt binds any value of the graph")
def bound_value_that_is_no_output(ort):
    made, io = bound(ort)
    io.bind_output("m")
    made.run_with_iobinding(io)
    return io.copy_outputs_to_cpu()


@probe(message="the attribute has another name")
def run_of_no_binding(ort):
    session(ort).run_with_iobinding(None)


def in_background(ort, feeds, names=None, run_options=None, options=None):
    done, got = threading.Event(), []

    def callback(*arguments):
        got.append(arguments)
        done.set()

    session(ort, AFFINE, options).run_async(names, feeds, callback, "mine", run_options)
    done.wait(10)
    return got


@probe
def background_runs_of_wrong_inputs(ort):
    return in_background(ort, feed(zz=ones(1))), in_background(ort, feed(x=ones(4)))


@probe
def background_run_that_is_ended(ort):
    options = ort.RunOptions()
    options.terminate = True
    return in_background(ort, feed(), None, options)


@probe(differs="jitrt says it at once")
def background_run_with_other_options(ort):
    in_background(ort, feed(), None, 3)


@probe(differs="jitrt runs in the background with one thread as well")
def background_run_with_one_thread(ort):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return in_background(ort, feed(), options=options)


@probe
def run_options_of_wrong_types(ort):
    wrong = ("log_severity_level", "a"), ("logid", 3), ("only_execute_path_to_fetches", "x")
    found = each(wrong, lambda pair: setattr(ort.RunOptions(), *pair))
    return [text.partition(":")[0] for text in found]


@probe
def arenas_to_shrink(ort):
    found = []
    for devices in ("cpu:0", "gpu:0", "nonsense"):
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", devices)
        found += each([options], lambda options: session(ort).run(None, feed(), options))
    return found


@probe(differs="jitrt says what was expected")
def session_options_of_another_type(ort):
    session(ort, AFFINE, 3)


@probe
def names_of_keywords(ort):
    nothing = dict.fromkeys(["sess_options", "providers", "provider_options"])
    return ort.InferenceSession(path_or_bytes=AFFINE, **nothing).get_providers()


@probe(message="jitrt names the file")
def optimized_model_in_no_folder(ort):
    options = ort.SessionOptions()
    options.optimized_model_filepath = "/nonexistent/folder/x.onnx"
    session(ort, AFFINE, options)


@probe(message="onnxruntime quotes its source")
def severity_of_a_session(ort):
    options = ort.SessionOptions()
    options.log_severity_level = 9
    session(ort, AFFINE, options)


@probe(differs="jitrt says that the profile cannot be written; onnxruntime names a file that is not there")
def profile_in_no_folder(ort):
    options = ort.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, "/nonexistent/folder/x"
    session(ort, AFFINE, options).end_profiling()


@probe
def profile_ended_twice(ort):
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder, "x"))
        made = session(ort, AFFINE, options)
        made.run(None, feed())
        first, second = made.end_profiling(), made.end_profiling()
        made.run(None, feed())
        return os.path.exists(first), second, len(os.listdir(folder))


@probe
def options_of_a_provider(ort):
    made = ort.InferenceSession(AFFINE, providers=[("CPUExecutionProvider", {"nope": "1"})])
    return made.get_provider_options()


@probe
def feeds_of_other_mappings(ort):
    import collections
    import types

    kinds = collections.OrderedDict, collections.UserDict, types.MappingProxyType
    return [session(ort).run(None, kind(feed())) for kind in kinds]


@probe(differs="jitrt names the input that is not known")
def number_for_the_name_of_an_input(ort):
    session(ort).run(None, {1: ones(2), **feed()})


@probe
def names_of_outputs_in_any_iterable(ort):
    kinds = [(n for n in ["y"]), {"y"}, np.array(["y"])]
    return [session(ort).run(names, feed()) for names in kinds]


@probe
def sessions_are_objects(ort):
    made = session(ort)
    made.extra = 1
    return {made: 1}[made], made.extra, made._sess is not None, made._model_path, type(made._model_bytes)


@probe
def sessions_are_no_context_managers(ort):
    with session(ort, OVERRIDABLE):
        pass
