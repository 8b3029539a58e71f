"""Tensors of every type and storage against onnx.numpy_helper, and files beside the model."""

import mmap
import os
import re

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from jitrt import load_tensor, proto, wire
from jitrt.errors import Fail
from jitrt.load import load
from jitrt.load_tensor import ExternalFiles, release, to_array, to_dense
from jitrt.types import ELEMENT_TYPES, from_onnx

NUMERIC = [code for code in ELEMENT_TYPES if code != TensorProto.STRING]


def read(tensor, files=None):
    return to_array(wire.decode(proto.TensorProto, tensor.SerializeToString()), files or ExternalFiles(None))


def sample(code, shape):
    """Every bit pattern of a small type, a spread of values of a large one."""
    dtype = from_onnx(code)
    size = int(np.prod(shape))
    if dtype == np.bool_:
        return (np.arange(size) % 3 == 0).reshape(shape)
    if dtype.kind == "c":
        return (np.arange(size) * (1 - 2j)).astype(dtype).reshape(shape)
    if dtype.kind in "iu" and dtype.itemsize > 1:
        info = np.iinfo(dtype)
        return np.resize(np.array([info.min, info.max, 1, 300], dtype), shape)
    return (np.arange(size) % 7 - 3).astype(np.float32).astype(dtype).reshape(shape)


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 7), (2, 2, 2)], ids=str)
@pytest.mark.parametrize("code", NUMERIC, ids=lambda c: ELEMENT_TYPES[c][1])
def test_raw_and_typed_data(code, shape):
    values = sample(code, shape)
    raw = numpy_helper.from_array(values, "t")
    typed = helper.make_tensor("t", code, shape, values.reshape(-1))
    assert raw.HasField("raw_data")
    assert not typed.HasField("raw_data")
    for tensor in (raw, typed):
        array, expected = read(tensor), numpy_helper.to_array(tensor)
        assert array.dtype == expected.dtype == from_onnx(code)
        assert array.shape == shape
        assert array.tobytes() == values.tobytes()
        np.testing.assert_array_equal(array.astype(np.complex128), expected.astype(np.complex128))
        assert not array.flags.writeable


@pytest.mark.parametrize(("dtype", "codes"), [(ml_dtypes.int4, range(16)), (ml_dtypes.int2, range(4))])
def test_small_signed_integers_keep_their_sign(dtype, codes):
    values = np.arange(-len(codes) // 2, len(codes) // 2).astype(dtype)
    assert read(numpy_helper.from_array(values)).astype(np.int32).tolist() == values.astype(np.int32).tolist()


def test_strings():
    tensor = helper.make_tensor("t", TensorProto.STRING, [2, 2], [b"a", "bé".encode(), b"", b"\xff"])
    assert read(tensor).tolist() == [["a", "bé"], ["", "\udcff"]]


def test_raw_booleans_other_than_0_and_1_are_true():
    tensor = TensorProto(data_type=TensorProto.BOOL, dims=[3], raw_data=b"\x00\x02\xff")
    assert read(tensor).view(np.uint8).tolist() == [0, 1, 1]


def test_large_raw_data_is_a_view_and_small_is_aligned():
    data = numpy_helper.from_array(np.arange(5000, dtype=np.float32), "t").SerializeToString()
    large = to_array(wire.decode(proto.TensorProto, data), ExternalFiles(None))
    assert np.shares_memory(large, np.frombuffer(data, np.uint8))
    small = read(numpy_helper.from_array(np.arange(5, dtype=np.float32), "a name of some length"))
    assert small.flags.aligned


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raw_data": b"1234"}, r"raw_data size \(4 bytes\) does not match .* \(12 bytes\)"),
        ({"raw_data": b"1234" * 9}, r"raw_data size \(36 bytes\) does not match .* \(12 bytes\)"),
        ({"raw_data": b""}, r"raw_data size \(0 bytes\) does not match .* \(12 bytes\)"),
        ({}, r"data field count \(0\) does not match expected count from shape \(3\)"),
        ({"float_data": [1, 2, 3, 4]}, r"data field count \(4\) does not match .* \(3\)"),
        ({"dims": [-3]}, "Out of bounds dimensions"),
        ({"dims": [1 << 40, 1 << 40]}, "Out of bounds dimensions"),
        ({"dims": [1 << 62, 0]}, "Out of bounds dimensions"),
        ({"dims": [1] * 65}, "Out of bounds dimensions"),
        ({"data_type": 99}, "Tensor 't' does not have valid data type"),
        ({"data_type": 0}, "Tensor does not have type information"),
    ],
)
def test_data_that_does_not_fit(change, message):
    with pytest.raises(Fail, match=message):
        read(TensorProto(**{"name": "t", "data_type": TensorProto.FLOAT, "dims": [3], **change}))


# sparse tensors


def sparse(values, indices, dims):
    tensor = onnx.SparseTensorProto(dims=dims)
    tensor.values.CopyFrom(numpy_helper.from_array(np.asarray(values), "w"))
    tensor.indices.CopyFrom(numpy_helper.from_array(np.asarray(indices, np.int64), "i"))
    return to_dense(wire.decode(proto.SparseTensorProto, tensor.SerializeToString()), ExternalFiles(None))


def test_sparse_tensors_with_flat_and_with_row_indices():
    expected = np.zeros((2, 3, 4), np.float32)
    expected[0, 1, 2], expected[1, 2, 3] = 5, 6
    values = np.array([5, 6], np.float32)
    np.testing.assert_array_equal(sparse(values, [6, 23], [2, 3, 4]), expected)
    np.testing.assert_array_equal(sparse(values, [[6], [23]], [2, 3, 4]), expected)
    np.testing.assert_array_equal(sparse(values, [[0, 1, 2], [1, 2, 3]], [2, 3, 4]), expected)
    np.testing.assert_array_equal(sparse(values[:0], [], [2, 2]), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 7], r"index is out of bounds. Got:7 expected to be in \[0, 3\)"),
        ([0, -1], r"index is out of bounds. Got:-1 expected to be in \[0, 3\)"),
        ([0, 1, 2], "outer dimension should match the number of non-zero values. Got:3 expected: 2"),
        ([[0, 0, 0], [2, 2, 2]], "inner dimension should match .* Got:3 expected: 1"),
    ],
)
def test_wrong_sparse_indices(indices, message):
    with pytest.raises(Fail, match=message):
        sparse(np.array([5, 6], np.float32), indices, [3])


# files beside the model


@pytest.fixture
def folder(tmp_path):
    """A folder with a model, data in it and in a folder in it, and a file outside."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    for path in (inside / "w.bin", inside / "sub" / "w.bin", tmp_path / "out.bin"):
        np.arange(16, dtype=np.float32).tofile(path)
    (inside / "inner").symlink_to("sub/w.bin")
    (inside / "link").symlink_to("../out.bin")
    return inside


def external(location, dims=(3,), **entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": str(location), **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


@pytest.mark.parametrize(
    ("tensor", "first"),
    [
        (external("w.bin"), 0),
        (external("./w.bin", offset=8), 2),
        (external("w.bin", offset=8, length=12, checksum="abc"), 2),
        (external("sub/w.bin"), 0),
        (external("sub/../w.bin"), 0),
        (external("inner"), 0),
    ],
)
def test_external_data(folder, tensor, first):
    array = read(tensor, ExternalFiles(str(folder / "m.onnx")))
    assert array.tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (external("../out.bin"), 'External data path escapes model directory. .* resolved path: ".*out.bin"'),
        (external("../../../../etc/passwd"), "escapes model directory"),
        (external("link"), "escapes model directory"),
        (external("."), "escapes model directory"),
        (external(os.path.abspath("out.bin")), "Absolute path not allowed for external data location"),
        (external("nope.bin"), 'External data path does not exist: ".*nope.bin"'),
        (external("w.bin\0"), "does not exist"),
        (external("sub"), "require a regular file"),
        (external(""), "External data location cannot be empty"),
        (external("w.bin", foo=1), "model format error!"),
        (external("w.bin", offset="x"), 'Failed to parse value: "x"'),
        (external("w.bin", length=8), "size mismatch. Computed size: 12, external_data.length: 8"),
        (external("w.bin", offset=60), "offset: 60 size to read: 12 given file_length: 64 are out of bounds"),
        (external("w.bin", offset=-4), "offset: -4 size to read: 12 given file_length: 64 are out of bounds"),
    ],
)
def test_external_data_refused(folder, tensor, message):
    with pytest.raises(Fail, match=message):
        read(tensor, ExternalFiles(str(folder / "m.onnx")))


def test_external_data_without_a_location(folder):
    tensor = external("w.bin")
    del tensor.external_data[:]
    with pytest.raises(Fail, match="Missing 'location'"):
        read(tensor, ExternalFiles(str(folder / "m.onnx")))


def test_a_model_that_is_a_link_uses_the_folder_of_its_target(folder):
    cache = folder.parent / "cache"
    cache.mkdir()
    (cache / "m.onnx").symlink_to(folder / "m.onnx")
    (cache / "w.bin").symlink_to(folder / "w.bin")
    (folder / "m.onnx").touch()
    files = ExternalFiles(str(cache / "m.onnx"))
    assert read(external("w.bin"), files).tolist() == [0, 1, 2]


def test_bytes_may_name_no_files(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for location in ("w.bin", "nope.bin", "../out.bin", str(folder / "w.bin")):
        with pytest.raises(Fail):
            read(external(location), ExternalFiles(None))


def test_files_are_mapped_once_and_not_copied(folder):
    np.arange(50000, dtype=np.float32).tofile(folder / "big.bin")
    files = ExternalFiles(str(folder / "m.onnx"))
    one, two = (read(external("big.bin", [20000], offset=o), files) for o in (0, 40000))
    assert len(files.maps) == 1
    assert np.shares_memory(one, two)
    assert two[0] == 10000


def test_released_memory_is_read_again_from_the_file(tmp_path):
    weight = np.random.default_rng(0).standard_normal(300_000).astype(np.float32)
    graph = helper.make_graph(
        [], "g", [], [helper.make_empty_tensor_value_info("w")], [numpy_helper.from_array(weight, "w")]
    )
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    array = load(tmp_path / "m.onnx").graph.constants["w"]
    np.testing.assert_array_equal(array, weight)
    if hasattr(mmap.mmap, "madvise"):
        before = resident_nbytes()
        release(array)
        assert before - resident_nbytes() > weight.nbytes // 2
    np.testing.assert_array_equal(array, weight)


def resident_nbytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * mmap.PAGESIZE
    except FileNotFoundError:
        pytest.skip("no /proc here")


def test_releasing_memory_that_is_not_mapped_changes_nothing():
    array = np.arange(10000)
    release(array)
    release(array[5:])
    assert array.sum() == 49995000


def test_every_packed_type_is_known():
    names = {np.dtype(t).name for t, _, _ in ELEMENT_TYPES.values()}
    assert {n for n in names if re.search(r"(int|float)[246](_|$)", n)} == set(load_tensor._BITS)
