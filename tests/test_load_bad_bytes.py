"""Files and bytes that are no models: the errors of onnxruntime, and no others."""

import random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import FLOAT, body, function, info, model, node, tensor
from onnxruntime_errors import assert_like_onnxruntime, onnxruntime_outcome, outcome

# files and bytes that are no models

GOOD = model(
    [node("Relu", ["x"], ["y"])], initializers=[tensor("w", np.arange(4000, dtype=np.float32))]
).SerializeToString()
BAD_BYTES = {
    "empty": b"",
    "text": b"not a model at all",
    "zero": b"\0",
    "ones": b"\xff" * 20,
    "one field": b"\x08\x08",
    "empty graph": b"\x08\x08\x3a\x00",
    "truncated": GOOD[:-7],
    "half": GOOD[: len(GOOD) // 2],
    "corrupt": GOOD[:20] + b"\xff" * 40 + GOOD[60:],
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_bad_bytes(name, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(BAD_BYTES[name])
    for source in (BAD_BYTES[name], str(path)):
        assert assert_like_onnxruntime(source) in ("InvalidProtobuf", "InvalidArgument", "Fail")


def test_files_that_cannot_be_read(tmp_path):
    assert outcome("nope.onnx") == (
        "NoSuchFile",
        "Load model from nope.onnx failed:Load model nope.onnx failed. File doesn't exist",
    )
    (tmp_path / "file").touch()
    for path in ("nope.onnx", str(tmp_path), tmp_path / "nope"):
        assert assert_like_onnxruntime(path) in ("NoSuchFile", "InvalidProtobuf")
    assert outcome(tmp_path / "file" / "m.onnx")[0] == "NoSuchFile"
    assert outcome("\0")[0] == "NoSuchFile"


@pytest.mark.parametrize(
    ("location", "entries", "of_file", "of_bytes"),
    [
        ("w.bin", {}, "no error", "Fail"),
        ("inner.bin", {"offset": "8"}, "no error", "Fail"),
        ("../out.bin", {}, "Fail", "Fail"),
        ("../nope.bin", {}, "Fail", "Fail"),
        ("/etc/passwd", {}, "Fail", "Fail"),
        ("link.bin", {}, "Fail", "Fail"),
        ("nope.bin", {}, "Fail", "Fail"),
        ("sub", {}, "Fail", "Fail"),
        ("", {}, "Fail", "Fail"),
        ("w.bin", {"length": "8"}, "Fail", "Fail"),
        ("w.bin", {"offset": "60"}, "Fail", "Fail"),
        ("w.bin", {"offset": "-4"}, "Fail", "Fail"),
        ("w.bin", {"foo": "1"}, "Fail", "Fail"),
    ],
)
def test_external_data_is_refused_as_by_onnxruntime(
    location, entries, of_file, of_bytes, tmp_path, monkeypatch
):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "out.bin", folder / "w.bin"):
        np.arange(16, dtype=np.float32).tofile(path)
    (folder / "link.bin").symlink_to("../out.bin")
    (folder / "inner.bin").symlink_to("w.bin")
    weight = TensorProto(name="w", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        weight.external_data.add(key=key, value=value)
    proto = model([node("Add", ["x", "w"], ["y"])], initializers=[weight])
    onnx.save(proto, folder / "m.onnx")
    assert assert_like_onnxruntime(str(folder / "m.onnx")) == of_file
    monkeypatch.chdir(folder)
    assert outcome(proto.SerializeToString())[0] == of_bytes
    assert onnxruntime_outcome(proto.SerializeToString())[0] == of_bytes


# no bytes crash the loader


def everything():
    """A small model with a bit of everything in it."""
    inner = body([node("Add", ["x", "w"], ["t"])])
    steps = [node("Constant", [], ["k"], value_float=2.0), node("Mul", ["a", "k"], ["m"])]
    steps.append(node("LeakyRelu", ["m"], ["b"]))
    scale = function("F", ["a"], ["b"], steps, defaults=[helper.make_attribute("q", 2.0)])
    scale.node[2].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="q", type=1))
    nodes = [
        node("If", ["c"], ["i"], "if", then_branch=inner, else_branch=inner),
        node("F", ["i"], ["f"], domain="my"),
        node("Constant", [], ["k"], value=tensor("", np.int64([1, 2, 3]))),
        node(
            "Foo", ["f", "k", "s"], ["y"], ints=[1, 2], floats=[0.5], strings=["a"], s="b", f=1.0, domain="my"
        ),
    ]
    inputs = [info("x", FLOAT, [3, "n"]), info("c", TensorProto.BOOL, []), info("w", FLOAT, [3])]
    inputs.append(
        helper.make_value_info(
            "q", helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [2]))
        )
    )
    typed = [
        helper.make_tensor(f"t{code}", code, [3], [1, 0, 1]) for code in (1, 6, 7, 9, 10, 11, 13, 16, 22)
    ]
    strings = helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b"])
    sparse = helper.make_sparse_tensor(tensor("p", np.float32([5, 6])), tensor("", np.int64([0, 2])), [3])
    external = TensorProto(name="e", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    external.external_data.add(key="location", value="w.bin")
    initializers = [tensor("w", np.ones(3, np.float32)), *typed, strings]
    proto = model(
        nodes, inputs, None, initializers, functions=[scale], domains=["my"], sparse_initializer=[sparse]
    )
    return proto, external


@pytest.mark.parametrize("seed", range(4))
def test_mutated_models_raise_only_our_errors(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    proto, external = everything()
    good = proto.SerializeToString()
    assert outcome(good)[1] == "Fatal error: my:Foo(-1) is not a registered function/op"
    proto.graph.initializer.append(external)
    rng = random.Random(seed)
    kinds = set()
    for data in (good, proto.SerializeToString()):
        for _ in range(300):
            mutant = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                position = rng.randrange(len(mutant))
                kind = rng.random()
                if kind < 0.7:
                    mutant[position] = rng.choice(
                        [rng.randrange(256), mutant[position] ^ 1 << rng.randrange(8)]
                    )
                elif kind < 0.85:
                    del mutant[position : position + rng.randint(1, 8)]
                else:
                    mutant[position:position] = mutant[
                        (at := rng.randrange(len(mutant))) : at + rng.randint(1, 20)
                    ]
            if rng.random() < 0.1:
                del mutant[rng.randrange(len(mutant)) :]
            kinds.add(outcome(bytes(mutant))[0])
    assert {"Fail", "InvalidProtobuf", "InvalidGraph"} <= kinds


def test_every_truncation_raises_our_errors():
    data = everything()[0].SerializeToString()
    assert all(outcome(data[:length])[0] != "no error" for length in range(len(data)))
