"""TensorProto to NumPy. Large tensors stay read-only views of the model's file or bytes, or of another file.

Messages are onnxruntime's, without the C++ source locations that it puts in front of some.
https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from jitrt.errors import Fail
from jitrt.proto import EXTERNAL, Numbers, SparseTensorProto, TensorProto
from jitrt.types import ELEMENT_TYPES, STRING, from_onnx

Array = np.ndarray[Any, Any]

# a view keeps the file's alignment, often odd; below this size a copy costs less than unaligned reads
COPY_BELOW_NBYTES = 4096

_BITS = {
    "uint4": 4,
    "int4": 4,
    "float4_e2m1fn": 4,
    "uint2": 2,
    "int2": 2,
    "float6_e2m3fn": 6,
    "float6_e3m2fn": 6,
}
_FIELDS: dict[np.dtype[Any], str] = {
    np.dtype(np.float32): "float_data",
    np.dtype(np.complex64): "float_data",
    np.dtype(np.float64): "double_data",
    np.dtype(np.complex128): "double_data",
    np.dtype(np.uint32): "uint64_data",
    np.dtype(np.uint64): "uint64_data",
    np.dtype(np.int64): "int64_data",
    STRING: "string_data",
}


class ExternalFiles:
    """The files beside a model that its tensors name, mapped into memory once each.

    `path` is the model's, or None for one given as bytes, which may name no files but those of `contents`:
    files that the caller has in memory, by name.
    """

    def __init__(self, path: str | None, contents: Mapping[str, Array] | None = None) -> None:
        self.path, self.contents = path, contents or {}
        self.folder = "." if path is None else os.path.dirname(path) or "."
        self.maps: dict[str, memoryview] = {}

    def resolve(self, location: str, name: str) -> str:
        """The path of the file. Raises Fail where it lies outside the model's folder or is no file.

        As in onnxruntime, links are followed first, and a model that is a link itself (as in a cache of
        downloads) may use files in the folder of its target.
        """
        where = f"External data path validation failed for initializer: {name}. Error: "
        if os.path.isabs(location) or Path(location).is_absolute():
            raise Fail(where + "Absolute path not allowed for external data location")
        if self.path is None:
            where += "External data path for model loaded from bytes escapes working directory. "
        path = os.path.join(self.folder, location)
        if "\0" in location:
            raise Fail(f'{where}External data path does not exist: "{path}"')
        target, folder = os.path.realpath(path), self.folder
        allowed = [os.path.realpath(folder)]
        if self.path is not None and os.path.islink(self.path):
            folder = os.path.dirname(os.path.realpath(self.path))
            allowed.append(folder)
        if not any(target.startswith(os.path.join(root, "")) for root in allowed):
            raise Fail(
                f'{where}External data path escapes model directory. External data path: "{location}" '
                f'resolved path: "{target}" allowed directory: "{folder}"'
            )
        if not os.path.exists(target):
            raise Fail(f'{where}External data path does not exist: "{target}"')
        if self.path is None:
            raise Fail(
                "model_path must not be empty. Ensure that a path is provided when the model is loaded."
            )
        if not os.path.isfile(target):
            raise Fail(f"Random-access reads require a regular file: {path}")
        return target

    def open(self, location: str, name: str) -> memoryview:
        """The bytes of the file, mapped, not read."""
        if location in self.contents:
            return memoryview(self.contents[location])  # type: ignore[arg-type]
        path = self.resolve(location, name)
        if path not in self.maps:
            try:
                self.maps[path] = map_file(path)
            except OSError as error:
                raise Fail(f"External initializer: {name}: cannot read {path}: {error.strerror}") from error
        return self.maps[path]

    def read(self, tensor: TensorProto, nbytes: int) -> memoryview:
        """The tensor's bytes."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        unknown = entries.keys() - {"location", "offset", "length", "checksum", "basepath"}
        if unknown or "location" not in entries:
            raise Fail("model format error!" + ("" if unknown else " Missing 'location'"))
        if not entries["location"]:
            raise Fail("model format error! External data location cannot be empty")
        offset = _integer(entries.get("offset", "0"))
        length = _integer(entries.get("length", "0")) or nbytes
        if length != nbytes:
            raise Fail(
                f"TensorProto: {tensor.name} external data size mismatch. "
                f"Computed size: {nbytes}, external_data.length: {length}"
            )
        data = self.open(entries["location"], tensor.name)
        if offset < 0 or offset + nbytes > len(data):
            raise Fail(
                f"External initializer: {tensor.name} offset: {offset} size to read: {nbytes} "
                f"given file_length: {len(data)} are out of bounds or can not be read in full."
            )
        return data[offset : offset + nbytes]


def map_file(path: str) -> memoryview:
    """A file's bytes, mapped where it is a regular file that is not empty. Raises OSError."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return memoryview(file.read())
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def release(array: Array) -> None:
    """Let the system take back the memory of a constant that will hardly be read again, as once it is packed.

    Only memory of mapped files is given back; reading the array again reads the file.
    """
    owner = array
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    mapping = owner.obj if isinstance(owner, memoryview) else None
    if not isinstance(mapping, mmap.mmap) or not hasattr(mapping, "madvise"):
        return
    start = (
        array.__array_interface__["data"][0] - np.frombuffer(mapping, np.uint8).__array_interface__["data"][0]
    )
    first, last = -(-start // mmap.PAGESIZE), (start + array.nbytes) // mmap.PAGESIZE
    if first < last:
        mapping.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Fail(f'Failed to parse value: "{text}"') from None


def element_type(tensor: TensorProto) -> np.dtype[Any]:
    """The NumPy element type. Raises Fail for none or an unknown one."""
    if not tensor.data_type:
        raise Fail("This is an invalid model. Tensor does not have type information.")
    if tensor.data_type not in ELEMENT_TYPES:
        raise Fail(f"This is an invalid model. Tensor '{tensor.name}' does not have valid data type.")
    return from_onnx(tensor.data_type)


def shape_of(dims: Numbers) -> tuple[int, ...]:
    """The dimensions. Raises Fail for a negative one, or for more elements than memory can address."""
    shape = tuple(map(int, dims))
    if any(d < 0 for d in shape) or prod(d for d in shape if d) >> 60 or len(shape) > 64:
        raise Fail("Out of bounds dimensions in TypeProto_Tensor")
    return shape


def to_array(tensor: TensorProto, files: ExternalFiles) -> Array:
    """The tensor as a read-only array. Raises Fail where the data does not fit the shape."""
    dtype, shape = element_type(tensor), shape_of(tensor.dims)
    if tensor.data_location == EXTERNAL:
        if dtype == STRING:
            raise Fail(f"Initializer '{tensor.name}': external data of strings is not allowed")
        array = _from_bytes(files.read(tensor, _nbytes(dtype, prod(shape))), dtype, shape)
    elif "raw_data" in vars(tensor) and dtype != STRING:
        expected = _nbytes(dtype, prod(shape))
        if len(tensor.raw_data) != expected:
            raise Fail(
                f"Initializer '{tensor.name}': raw_data size ({len(tensor.raw_data)} bytes) does not match "
                f"expected size from shape and data type ({expected} bytes)"
            )
        array = _from_bytes(tensor.raw_data, dtype, shape)
    else:
        array = _from_fields(tensor, dtype, shape)
    array.flags.writeable = False
    return array


def _nbytes(dtype: np.dtype[Any], size: int) -> int:
    """Bytes of `size` elements as a file packs them."""
    return (size * _BITS.get(dtype.name, 8 * dtype.itemsize) + 7) // 8


def _from_bytes(data: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if dtype.name in _BITS:
        return _unpack(np.frombuffer(data, np.uint8), dtype, shape)
    if dtype == np.bool_:
        return np.not_equal(np.frombuffer(data, np.uint8), 0).reshape(shape)
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.copy() if array.nbytes < COPY_BELOW_NBYTES else array


def _from_fields(tensor: TensorProto, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    values = getattr(tensor, _FIELDS.get(dtype, "int32_data"))
    size = prod(shape)
    pairs = 2 if dtype.kind == "c" else 1
    bits = _BITS.get(dtype.name, 8)
    expected = -(-size * bits // 8) if bits in (2, 4) else size * pairs
    if len(values) != expected:
        raise Fail(
            f"Initializer '{tensor.name}': data field count ({len(values)}) does not match "
            f"expected count from shape ({expected})"
        )
    if dtype == STRING:
        texts = np.empty(size, object)
        texts[:] = [text.decode("utf-8", "surrogateescape") for text in values]
        return texts.reshape(shape)
    if dtype.kind == "c":
        return np.array(values, f"f{dtype.itemsize // 2}").view(dtype).reshape(shape)
    if dtype in _FIELDS:
        kind = np.dtype(np.int64) if dtype.kind in "iu" else dtype
        return np.array(values, kind).astype(dtype, copy=False).reshape(shape)
    numbers = np.asarray(values, np.int64)
    if bits in (2, 4):
        return _unpack(numbers.astype(np.uint8), dtype, shape)
    if dtype.kind in "iub":
        return numbers.astype(dtype).reshape(shape)
    return numbers.astype(f"u{dtype.itemsize}").view(dtype).reshape(shape)


def _unpack(data: Array, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Elements of 2, 4 or 6 bits, the first in the low bits, to a byte each, as ml_dtypes keeps them."""
    bits, size = _BITS[dtype.name], prod(shape)
    codes: Array
    if bits == 6:
        flags = np.unpackbits(data, count=6 * size, bitorder="little").reshape(size, 6)
        codes = np.packbits(flags, axis=1, bitorder="little").reshape(-1)
    else:
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        codes = ((data[:, None] >> shifts) & np.uint8((1 << bits) - 1)).reshape(-1)[:size]
    return codes.view(dtype).reshape(shape)


def to_dense(sparse: SparseTensorProto, files: ExternalFiles) -> Array:
    """A sparse tensor as a dense array. Indices are flat (rank 1) or one row a value (rank 2)."""
    if sparse.values is None or sparse.indices is None:
        raise Fail("This is an invalid model. Tensor does not have type information.")
    name, shape = sparse.values.name, shape_of(sparse.dims)
    values, indices = to_array(sparse.values, files).reshape(-1), to_array(sparse.indices, files)
    if indices.dtype.kind != "i" or indices.ndim not in (1, 2):
        raise Fail(f"Sparse tensor: {name} indices should be integers of rank 1 or 2. Got: {indices.ndim}")
    if indices.shape[0] != values.size:
        raise Fail(
            f"Sparse tensor: {name} indices outer dimension should match the number of non-zero values. "
            f"Got:{indices.shape[0]} expected: {values.size}"
        )
    if indices.ndim == 2 and indices.shape[1] not in (1, len(shape)):
        raise Fail(
            f"Sparse tensor: {name} indices is rank 2, its inner dimension should match the rank of the "
            f"dense tensor. Got:{indices.shape[1]} expected: {len(shape)}"
        )
    by_axis = indices.ndim == 2 and indices.shape[1] == len(shape)
    rows = indices.reshape(values.size, len(shape) if by_axis else 1).astype(np.int64)
    limits = np.array(shape if by_axis else [prod(shape)], np.int64)
    wrong = np.argwhere((rows < 0) | (rows >= limits))
    if wrong.size:
        row, axis = wrong[0]
        raise Fail(
            f"Sparse tensor: {name} index is out of bounds. "
            f"Got:{rows[row, axis]} expected to be in [0, {limits[axis]})"
        )
    try:
        dense = np.zeros(shape, values.dtype)
    except MemoryError:
        raise Fail(f"Sparse tensor: {name} of shape {list(shape)} does not fit into memory") from None
    if values.dtype == STRING:
        dense.fill("")
    dense.reshape(-1)[_flat(rows, limits)] = values
    dense.flags.writeable = False
    return dense


def _flat(rows: Array, limits: Array) -> Array:
    """Row-major positions of index rows in a tensor of the given sizes."""
    strides = np.append(np.cumprod(limits[::-1])[-2::-1], 1)[-len(limits) :]
    return rows @ strides if rows.size else rows.reshape(-1)
