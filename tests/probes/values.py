"""OrtValues and bindings."""

from __future__ import annotations

import numpy as np

from . import probe
from .models import AFFINE, OPTIONAL, SEQUENCE, STRINGS, TWO_OUTPUTS, feed, model, ones, session

FROM_ALL = "OrtValues of jitrt are made from any array, of strings and 16-bit floats as well"


def value(ort, array=None):
    return ort.OrtValue.ortvalue_from_numpy(ones(2, 4) if array is None else array)


@probe
def what_it_says(ort):
    v = value(ort)
    flags = v.is_tensor(), v.is_tensor_sequence(), v.is_sparse_tensor(), v.has_value()
    return v.shape(), v.data_type(), v.element_type(), v.device_name(), v.tensor_size_in_bytes(), flags


@probe
def its_memory(ort):
    x = ones(2, 4)
    v = value(ort, x)
    before = v.data_ptr() == x.ctypes.data
    v.update_inplace(np.zeros((2, 4), np.float32))
    return before, x


@probe
def a_copy(ort):
    v = value(ort)
    first = v.numpy()
    first[...] = 7
    return v.numpy()


@probe
def of_columns(ort):
    return value(ort, np.arange(8, dtype=np.float32).reshape(2, 4)[:, ::2]).numpy()


@probe(message="jitrt says what it got")
def no_array(ort):
    value(ort, [1.0, 2.0])


@probe(message="jitrt says what it got")
def of_a_scalar(ort):
    value(ort, np.float32(1))


@probe(differs=FROM_ALL)
def of_strings(ort):
    return value(ort, np.array(["a", "b"])).numpy()


@probe(differs="jitrt has complex tensors")
def of_complex(ort):
    value(ort, ones(2, dtype=np.complex64))


@probe
def of_another_type(ort):
    v = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(ones(2, dtype=np.uint16), 16)
    return v.data_type(), v.element_type(), v.shape()


@probe(differs=FROM_ALL)
def bfloat16_as_array(ort):
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(ones(2, dtype=np.uint16), 16).numpy().dtype.name


@probe(message="jitrt names both types")
def of_another_width(ort):
    ort.OrtValue.ortvalue_from_numpy_with_onnx_type(ones(2, dtype=np.uint8), 16)


@probe
def from_shape(ort):
    make = ort.OrtValue.ortvalue_from_shape_and_type
    return [make([2, 3], t).data_type() for t in (np.float32, np.int8, 1, 7, 16)], make([2, 3], 1).shape()


@probe
def from_shape_and_text(ort):
    return ort.OrtValue.ortvalue_from_shape_and_type([2], "float32").data_type()


@probe(message="jitrt names the shape")
def from_negative_shape(ort):
    ort.OrtValue.ortvalue_from_shape_and_type([-2], np.int8)


@probe
def from_shape_in_a_session(ort):
    v = session(ort).create_ortvalue_from_shape_and_type([2, 3], np.float32, "cpu")
    return v.shape(), v.data_type()


@probe(message="jitrt names the device")
def on_cuda(ort):
    ort.OrtValue.ortvalue_from_numpy(ones(2), "cuda", 0)


@probe
def from_shape_on_cuda(ort):
    ort.OrtValue.ortvalue_from_shape_and_type([2], np.float32, "cuda", 0)


@probe(message="jitrt names both sizes and types")
def update_of_another_size(ort):
    value(ort).update_inplace(ones(2, 5))


@probe
def update_from_a_list(ort):
    value(ort).update_inplace([1.0])


@probe
def update_from_a_value(ort):
    v = value(ort)
    v.update_inplace(value(ort, 3 * ones(2, 4)))
    return v.numpy()


@probe
def update_of_another_shape(ort):
    v = value(ort)
    v.update_inplace(3 * ones(4, 2))
    return v.numpy()


@probe(differs="jitrt compares the types; onnxruntime copies the bytes")
def update_of_another_type(ort):
    value(ort).update_inplace(ones(2, 4, dtype=np.float64))


@probe
def as_array(ort):
    v = value(ort)
    return np.asarray(v), np.array(v, dtype=np.float64)


@probe
def dlpack(ort):
    v = value(ort)
    return v.__dlpack_device__(), np.from_dlpack(v)


@probe
def from_dlpack(ort):
    x = ones(2, 4)
    v = ort.OrtValue.from_dlpack(x)
    return v.data_ptr() == x.ctypes.data, v.numpy()


@probe
def from_dlpack_bool(ort):
    return ort.OrtValue.from_dlpack(np.array([True, False])).data_type()


@probe(differs="jitrt takes tensors with any strides")
def from_dlpack_transposed(ort):
    return ort.OrtValue.from_dlpack(ones(2, 4).T).shape()


@probe(differs="an OrtValue of jitrt holds any value")
def made_directly(ort):
    return ort.OrtValue(ones(2)).shape()


@probe(differs="OrtValues of jitrt pickle")
def pickled(ort):
    import pickle

    return pickle.loads(pickle.dumps(value(ort))).numpy()


@probe
def of_a_sequence(ort):
    made = session(ort, model("g (float[n] x) => (seq(float[n]) y) { y = SequenceConstruct(x, x) }"))
    (v,) = made.run_with_ort_values(["y"], {"x": value(ort, ones(2))})
    return v.is_tensor(), v.is_tensor_sequence(), v.data_type(), v.has_value()


@probe
def shape_of_a_sequence(ort):
    made = session(ort, model("g (float[n] x) => (seq(float[n]) y) { y = SequenceConstruct(x, x) }"))
    return made.run_with_ort_values(["y"], {"x": value(ort, ones(2))})[0].shape()


def bound(ort, source=AFFINE):
    made = session(ort, source)
    return made, made.io_binding()


@probe
def binding(ort):
    made, io = bound(ort)
    io.bind_cpu_input("x", ones(2, 4))
    io.bind_cpu_input("b", ones(3))
    io.bind_output("y")
    done = made.run_with_iobinding(io)
    return done, io.copy_outputs_to_cpu(), [type(v).__name__ for v in io.get_outputs()]


@probe
def binding_to_memory(ort):
    made, io = bound(ort)
    x, b, y = ones(2, 4), ones(3), np.zeros((2, 3), np.float32)
    io.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    io.bind_input("b", "cpu", 0, np.float32, b.shape, b.ctypes.data)
    io.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)
    made.run_with_iobinding(io)
    return y, io.get_outputs()[0].data_ptr() == y.ctypes.data


@probe
def binding_to_values(ort):
    made, io = bound(ort)
    y = np.zeros((2, 3), np.float32)
    for name, array in feed().items():
        io.bind_ortvalue_input(name, value(ort, array))
    io.bind_ortvalue_output("y", value(ort, y))
    io.synchronize_inputs()
    made.run_with_iobinding(io)
    io.synchronize_outputs()
    return y


@probe
def binding_of_two_outputs(ort):
    made, io = bound(ort, TWO_OUTPUTS)
    io.bind_cpu_input("x", ones(2))
    io.bind_output("z")
    io.bind_output("y", "cpu")
    made.run_with_iobinding(io)
    return io.copy_outputs_to_cpu()


@probe
def binding_again(ort):
    made, io = bound(ort, TWO_OUTPUTS)
    results = []
    for n in (2, 3):
        io.bind_cpu_input("x", ones(n))
        io.clear_binding_outputs()
        io.bind_output("y")
        made.run_with_iobinding(io)
        results += io.copy_outputs_to_cpu()
    return results


@probe
def binding_of_an_unknown_input(ort):
    bound(ort)[1].bind_cpu_input("nope", ones(2))


@probe(differs="jitrt says it when the output is bound, not when the model runs")
def binding_of_an_unknown_output(ort):
    bound(ort)[1].bind_output("nope")


@probe(message="jitrt says which input is missing, before it computes anything")
def binding_without_an_input(ort):
    made, io = bound(ort)
    io.bind_cpu_input("x", ones(2, 4))
    io.bind_output("y")
    made.run_with_iobinding(io)


@probe
def binding_without_outputs(ort):
    made, io = bound(ort)
    for name, array in feed().items():
        io.bind_cpu_input(name, array)
    return made.run_with_iobinding(io), io.copy_outputs_to_cpu()


@probe
def binding_to_memory_without_a_type(ort):
    bound(ort)[1].bind_output("y", "cpu", 0, buffer_ptr=1)


@probe(message="jitrt names the output, and the shapes")
def binding_to_memory_of_another_shape(ort):
    made, io = bound(ort)
    y = np.zeros((5, 3), np.float32)
    for name, array in feed().items():
        io.bind_cpu_input(name, array)
    io.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)
    made.run_with_iobinding(io)


@probe
def binding_of_another_type(ort):
    made, io = bound(ort)
    for name, array in feed(x=ones(2, 4, dtype=np.int8)).items():
        io.bind_cpu_input(name, array)
    io.bind_output("y")
    made.run_with_iobinding(io)


@probe
def binding_of_another_session(ort):
    io = bound(ort)[1]
    session(ort).run_with_iobinding(io)


@probe(differs="jitrt says it when the output is bound, not when the model runs")
def binding_on_cuda(ort):
    bound(ort)[1].bind_output("y", "cuda")


@probe
def binding_made_directly(ort):
    return type(ort.IOBinding(session(ort))).__name__


@probe
def binding_cleared(ort):
    io = bound(ort)[1]
    io.bind_cpu_input("x", ones(2, 4))
    io.bind_output("y")
    io.clear_binding_inputs()
    io.clear_binding_outputs()
    return io.get_outputs()


@probe
def outputs_as_a_vector(ort):
    made, io = bound(ort)
    for name, array in feed().items():
        io.bind_cpu_input(name, array)
    io.bind_output("y")
    made.run_with_iobinding(io)
    vector = io.get_outputs_as_ortvaluevector()
    return len(vector), vector[0].numpy()


@probe
def sequences_and_optionals_as_values(ort):
    made = session(ort, SEQUENCE)
    return made.get_inputs()[0].type, session(ort, OPTIONAL).get_inputs()[0].type


@probe(differs="jitrt binds strings as well")
def strings_as_values(ort):
    made, io = bound(ort, STRINGS)
    io.bind_cpu_input("x", np.array(["a", "b"], object))
    io.bind_output("y")
    made.run_with_iobinding(io)
    return io.copy_outputs_to_cpu()


@probe(differs="sessions of jitrt pickle")
def pickled_session(ort):
    import pickle

    return pickle.loads(pickle.dumps(session(ort))).run(None, feed())


@probe(differs="sessions of jitrt can be copied; a copy shares everything")
def copied_session(ort):
    import copy

    return copy.deepcopy(session(ort)).run(None, feed())
