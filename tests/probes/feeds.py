"""What is fed: types, layouts, objects of other kinds."""

from __future__ import annotations

import numpy as np

from . import probe
from .models import (
    BOOLEANS,
    HALVES,
    INTEGERS,
    OPTIONAL,
    OVERRIDABLE,
    RELU,
    SEQUENCE,
    STRINGS,
    feed,
    model,
    ones,
    run,
    session,
)

ALL_TENSORS = "jitrt takes what holds a tensor in host memory, by DLPack or the array interface"


@probe
def wrong_type_double(ort):
    session(ort).run(None, feed(x=ones(2, 4, dtype=np.float64)))


@probe
def wrong_type_int64(ort):
    session(ort).run(None, feed(x=ones(2, 4, dtype=np.int64)))


@probe
def wrong_type_bool(ort):
    session(ort).run(None, feed(x=ones(2, 4, dtype=bool)))


@probe
def wrong_type_half(ort):
    session(ort).run(None, feed(x=ones(2, 4, dtype=np.float16)))


@probe
def wrong_type_object(ort):
    session(ort).run(None, feed(x=ones(2, 4).astype(object)))


@probe
def wrong_type_text(ort):
    session(ort).run(None, feed(x=np.full((2, 4), "a")))


@probe
def wrong_type_complex(ort):
    session(ort).run(None, feed(x=ones(2, 4, dtype=np.complex128)))


@probe
def wrong_type_datetime(ort):
    session(ort).run(None, feed(x=np.zeros((2, 4), "datetime64[s]")))


@probe
def floats_for_integers(ort):
    run(ort, INTEGERS, x=ones(2))


@probe
def list_of_lists(ort):
    return session(ort).run(None, feed(x=[[1.0] * 4] * 2))


@probe
def list_of_arrays(ort):
    return session(ort).run(None, feed(x=list(ones(2, 4))))


@probe
def list_of_integers(ort):
    return session(ort).run(None, feed(x=[[1] * 4] * 2))


@probe(differs="jitrt takes a tuple as a list; onnxruntime takes no tuple")
def tuple_of_numbers(ort):
    return run(ort, RELU, x=(1.0, 2.0))


@probe(message="jitrt names the input, and what is wrong with it")
def ragged_list(ort):
    return session(ort).run(None, feed(x=[[1.0], [1.0, 2.0]])).__class__


@probe(message="jitrt says which input is missing, before it computes anything")
def none(ort):
    session(ort).run(None, feed(x=None))


@probe
def numpy_scalar(ort):
    run(ort, RELU, x=np.float32(1))


@probe
def python_number(ort):
    run(ort, RELU, x=1.0)


@probe
def object_with_array_method(ort):
    class Arr:
        def __array__(self, dtype=None, copy=None):
            return ones(2, 4)

    session(ort).run(None, feed(x=Arr()))


@probe(differs=ALL_TENSORS)
def object_with_array_interface(ort):
    class Memory:
        array = ones(2, 4)

        @property
        def __array_interface__(self):
            return self.array.__array_interface__

    return session(ort).run(None, feed(x=Memory()))


@probe
def ort_value(ort):
    return session(ort).run(None, feed(x=ort.OrtValue.ortvalue_from_numpy(ones(2, 4))))


@probe
def columns_of_an_array(ort):
    x = np.arange(16, dtype=np.float32).reshape(2, 8)[:, ::2]
    return session(ort).run(None, feed(x=x))


@probe
def fortran_order(ort):
    return session(ort).run(None, feed(x=np.asfortranarray(np.arange(8, dtype=np.float32).reshape(2, 4))))


@probe
def read_only(ort):
    x = ones(2, 4)
    x.flags.writeable = False
    return session(ort).run(None, feed(x=x))


@probe(differs="jitrt swaps the bytes; onnxruntime reads them as they are")
def big_endian(ort):
    return session(ort).run(None, feed(x=ones(2, 4).astype(">f4")))


@probe
def misaligned(ort):
    x = np.frombuffer(b"\0" + ones(2, 4).tobytes(), np.uint8)[1:].view(np.float32).reshape(2, 4)
    return session(ort).run(None, feed(x=x))


@probe
def subclass_of_array(ort):
    return session(ort).run(None, feed(x=ones(2, 4).view(np.recarray)))


@probe
def empty_batch(ort):
    return session(ort).run(None, feed(x=ones(0, 4)))


@probe
def feed_is_a_list(ort):
    session(ort).run(None, [ones(2, 4), ones(3)])


@probe
def zero_dimensional_output(ort):
    source = model("g (float[n] x) => (float y) { y = ReduceSum <keepdims = 0> (x) }")
    return type(run(ort, source, x=ones(2))[0]), run(ort, source, x=ones(2))


@probe
def booleans(ort):
    return run(ort, BOOLEANS, x=np.array([True, False]))


@probe
def halves(ort):
    return run(ort, HALVES, x=np.array([-1, 2], np.float16))


@probe
def strings_of_objects(ort):
    return run(ort, STRINGS, x=np.array(["a", "bé"], object))


@probe
def strings_of_numpy(ort):
    return run(ort, STRINGS, x=np.array(["a", "bé"]))


@probe
def strings_in_a_list(ort):
    return run(ort, STRINGS, x=["a"])


@probe(differs="onnxruntime reads past the end of shorter ones")
def strings_of_bytes(ort):
    return run(ort, STRINGS, x=np.array([b"a", b"bc"]))


@probe
def sequence(ort):
    return run(ort, SEQUENCE, x=[ones(2), ones(3)])


@probe
def sequence_of_nothing(ort):
    return run(ort, SEQUENCE, x=[])


@probe
def array_for_a_sequence(ort):
    run(ort, SEQUENCE, x=ones(2))


@probe
def optional_given(ort):
    return run(ort, OPTIONAL, x=ones(2))


@probe
def optional_none(ort):
    return run(ort, OPTIONAL, x=None)


@probe
def overridable_initializer_left(ort):
    return run(ort, OVERRIDABLE, x=ones(2))


@probe
def overridable_initializer_given(ort):
    return run(ort, OVERRIDABLE, x=ones(2), w=ones(1))


@probe
def overridable_initializers(ort):
    made = session(ort, OVERRIDABLE)
    return [i.name for i in made.get_inputs()], [
        (i.name, i.type) for i in made.get_overridable_initializers()
    ]
