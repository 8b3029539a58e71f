"""The protocol buffer reader against the protobuf library."""

import random
from functools import partial

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError as ProtobufError
from onnx import TensorProto, helper

from jitrt import proto, wire


def small_model():
    body = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["t"])], "b", [], [helper.make_empty_tensor_value_info("t")]
    )
    nodes = [
        helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body),
        helper.make_node(
            "Foo", ["y"], ["z"], ints=[1, -2, 3], floats=[0.5, 1.5], strings=["a", "b"], f=2.0, s="é"
        ),
    ]
    ins = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, "n"])]
    weight = helper.make_tensor(
        "w", TensorProto.FLOAT, [2, 3], np.arange(6, dtype=np.float32).tobytes(), raw=True
    )
    graph = helper.make_graph(nodes, "g", ins, [helper.make_empty_tensor_value_info("z")], [weight])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


MODEL = small_model().SerializeToString()


def ours_as_plain(value):
    """Our message as nested dictionaries."""
    if isinstance(value, wire.Message):
        return {name: ours_as_plain(field) for name, field in vars(value).items()}
    if isinstance(value, (list, np.ndarray)):
        return [ours_as_plain(element) for element in value]
    return bytes(value) if isinstance(value, memoryview) else value


def theirs_as_plain(value, cls):
    """The same of a message of the protobuf library, with the fields that our class has."""
    if isinstance(value, (int, float, str, bytes)):
        return value
    if not hasattr(value, "ListFields"):
        return [theirs_as_plain(element, cls) for element in value]
    fields = [(d, v) for d, v in value.ListFields() if d.name in cls.numbers]
    return {d.name: theirs_as_plain(v, d.message_type and our_class(d.message_type)) for d, v in fields}


# nested messages of onnx.proto -> our classes
CLASS_NAMES = {
    "onnx.TypeProto.Tensor": "TensorTypeProto",
    "onnx.TypeProto.SparseTensor": "TensorTypeProto",
    "onnx.TypeProto.Sequence": "ElementTypeProto",
    "onnx.TypeProto.Optional": "ElementTypeProto",
    "onnx.TypeProto.Map": "MapTypeProto",
    "onnx.TypeProto.Opaque": "OpaqueTypeProto",
}


def our_class(descriptor):
    return getattr(proto, CLASS_NAMES.get(descriptor.full_name, descriptor.name))


def test_fields_have_the_numbers_and_kinds_of_onnx_proto():
    seen = set()

    def compare(descriptor, cls):
        if cls in seen:
            return
        seen.add(cls)
        for name, number in cls.numbers.items():
            field = descriptor.fields_by_name[name]
            assert (name, field.number) == (name, number)
            if field.message_type is not None:
                compare(field.message_type, our_class(field.message_type))

    compare(onnx.ModelProto.DESCRIPTOR, proto.ModelProto)
    classes = {c for c in vars(proto).values() if isinstance(c, type) and issubclass(c, wire.Message)}
    assert seen == classes - {wire.Message}


def test_a_model_reads_as_with_the_protobuf_library():
    ours = wire.decode(proto.ModelProto, MODEL)
    assert ours_as_plain(ours) == theirs_as_plain(small_model(), proto.ModelProto)


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 34, 100, 5000])
def test_repeated_numbers_packed_and_not(count):
    rng = np.random.default_rng(count)
    bits = rng.integers(0, 64, count)
    ints = (rng.integers(-(2**63), 2**63 - 1, count) >> bits).tolist()
    floats = rng.standard_normal(count).astype(np.float32).tolist()
    attribute = onnx.AttributeProto(
        name="n", ints=ints, floats=floats, type=onnx.AttributeProto.INTS
    )  # not packed
    ours = wire.decode(proto.AttributeProto, attribute.SerializeToString())
    assert (list(ours.ints), list(ours.floats), ours.name, ours.type) == (ints, floats, "n", 7)
    tensor = onnx.TensorProto(int64_data=ints, float_data=floats, double_data=floats, name="n")  # packed
    ours = wire.decode(proto.TensorProto, tensor.SerializeToString())
    assert (list(ours.int64_data), list(ours.float_data), list(ours.double_data)) == (ints, floats, floats)
    assert ours.name == "n"


def test_pieces_of_a_repeated_field_are_joined():
    pieces = [onnx.TensorProto(dims=[1, 2], int64_data=[3]), onnx.TensorProto(dims=[4], int64_data=[5, 6])]
    ours = wire.decode(proto.TensorProto, b"".join(p.SerializeToString() for p in pieces))
    assert (list(ours.dims), list(ours.int64_data)) == ([1, 2, 4], [3, 5, 6])


def test_pieces_of_a_message_are_merged():
    pieces = [
        onnx.AttributeProto(t=onnx.TensorProto(name="a")),
        onnx.AttributeProto(t=onnx.TensorProto(data_type=1)),
    ]
    ours = wire.decode(proto.AttributeProto, b"".join(p.SerializeToString() for p in pieces))
    assert (ours.t.name, ours.t.data_type) == ("a", 1)


def test_absent_fields_have_defaults():
    ours = wire.decode(proto.ModelProto, b"")
    assert (ours.ir_version, ours.graph, list(ours.functions), ours.domain) == (0, None, [], "")
    assert not wire.has(ours, "ir_version")
    assert wire.has(wire.decode(proto.ModelProto, b"\x08\x00"), "ir_version")


def test_unknown_fields_and_groups_are_skipped():
    unknown = b"\xf8\x07\x05" + b"\xfb\x07" + b"\xfb\x07\x08\x01\xfc\x07" + b"\xfc\x07" + b"\xfa\x07\x02ab"
    assert wire.decode(proto.ModelProto, unknown + b"\x08\x07").ir_version == 7


def test_bytes_are_views_of_the_buffer():
    data = bytearray(MODEL)
    raw = wire.decode(proto.ModelProto, data).graph.initializer[0].raw_data
    assert raw.obj is data
    assert bytes(raw) == np.arange(6, dtype=np.float32).tobytes()


def test_text_that_is_no_utf8_is_escaped():
    assert wire.decode(proto.TensorProto, b"\x42\x03a\xff\xfe").name == "a\\xff\\xfe"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x08",
        b"\x08" + b"\xff" * 11,
        b"\x3a\x05",
        b"\x0b\x08\x01",
        b"\x0c",
        b"\x0e\x01",
        b"\xff" * 20,
    ],
    ids=["field 0", "cut", "long number", "long field", "open group", "end group", "wire type 6", "ones"],
)
def test_malformed_bytes_are_refused(data):
    with pytest.raises(wire.DecodeError):
        wire.decode(proto.ModelProto, data)


def test_nesting_is_limited():
    data = b""
    for _ in range(500):  # a graph attribute in a node in a graph attribute ...
        attribute = onnx.AttributeProto.DESCRIPTOR.fields_by_name["g"].number << 3 | 2
        data = wrap(attribute, wrap(0x0A, wrap(0x2A, data)))
    with pytest.raises(wire.DecodeError, match="deeply"):
        wire.decode(proto.AttributeProto, data)


def wrap(tag, data):
    length = len(data)
    size = b""
    while length >= 0x80:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([tag]) + size + bytes([length]) + data


def test_what_the_protobuf_library_accepts_is_accepted_and_nearly_all_else_refused():
    """Nearly: what lies inside fields that jitrt does not read may be anything."""
    rng = random.Random(0)
    counts = {(theirs, ours): 0 for theirs in (True, False) for ours in (True, False)}
    for _ in range(3000):
        data = bytearray(MODEL)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        accepted = [True, True]
        for index, parse in enumerate((onnx.ModelProto.FromString, partial(wire.decode, proto.ModelProto))):
            try:
                parse(bytes(data))
            except (ProtobufError, wire.DecodeError):
                accepted[index] = False
        counts[tuple(accepted)] += 1
    assert counts[True, False] == 0
    assert counts[False, True] < 0.01 * counts[False, False]
    assert counts[True, True] > 500
