"""Tensors of other libraries as arrays in the same memory, and back: DLPack, bfloat16 and float8 included.

NumPy's own functions refuse types that it has no name for, and tensors that track gradients.
https://dmlc.github.io/dlpack/latest/c_api.html
"""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

_CPU_DEVICES = (1, 3, 11, 13)  # kDLCPU, and host memory that CUDA and ROCm pinned or manage
_DEVICE_NAMES = {2: "cuda", 4: "opencl", 7: "vulkan", 8: "metal", 10: "rocm", 14: "oneapi", 15: "webgpu"}

# (type code, bits) -> NumPy type; the rest follows the letters
_TYPES: dict[tuple[int, int], Any] = {
    (4, 16): ml_dtypes.bfloat16,
    (6, 8): np.bool_,
    (10, 8): ml_dtypes.float8_e4m3fn,
    (11, 8): ml_dtypes.float8_e4m3fnuz,
    (12, 8): ml_dtypes.float8_e5m2,
    (13, 8): ml_dtypes.float8_e5m2fnuz,
}
_LETTERS = {0: "i", 1: "u", 2: "f", 5: "c"}


class _Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Owner:
    """Gives NumPy an address, and keeps the capsule alive, which keeps the memory."""

    def __init__(self, capsule: Any, interface: dict[str, Any]) -> None:
        self.capsule, self.__array_interface__ = capsule, interface


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.argtypes, _pointer_of.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p


def from_dlpack(value: Any) -> np.ndarray[Any, Any]:
    """An array in the memory of a tensor that speaks DLPack, or of its capsule.

    Raises ValueError for memory of another device, or a type that NumPy and ml_dtypes do not have.
    """
    if hasattr(value, "detach"):  # PyTorch does not hand out tensors that track gradients
        value = value.detach()
    if hasattr(value, "__dlpack_device__"):
        _check_device(int(value.__dlpack_device__()[0]))
        value = value.__dlpack__()
    capsule, tensor = value, _tensor_of(value)
    _check_device(tensor.device_type)
    dtype = _dtype(tensor)
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    interface: dict[str, Any] = {
        "version": 3,
        "shape": shape,
        "typestr": f"|u{dtype.itemsize}" if dtype.itemsize == 1 else f"<V{dtype.itemsize}",
        "data": ((tensor.data or 0) + tensor.byte_offset, False),
    }
    if tensor.strides and 0 not in shape:
        interface["strides"] = tuple(tensor.strides[i] * dtype.itemsize for i in range(tensor.ndim))
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.asarray(_Owner(capsule, interface)).view(dtype)


def to_dlpack(array: np.ndarray[Any, Any], **options: Any) -> Any:
    """A capsule of the array's memory; the options are those of `ndarray.__dlpack__`."""
    code = next((code for code, dtype in _TYPES.items() if dtype == array.dtype), None)
    if code is None or array.dtype == np.bool_:
        return array.__dlpack__(**options)
    capsule = array.view(f"u{array.itemsize}").__dlpack__()
    tensor = _tensor_of(capsule)
    tensor.code, tensor.bits = code
    return capsule


def _tensor_of(capsule: Any) -> _Tensor:
    address = _pointer_of(capsule, b"dltensor")
    assert address is not None
    return _Tensor.from_address(address)


def _check_device(number: int) -> None:
    if number not in _CPU_DEVICES:
        raise ValueError(f"it is on {_DEVICE_NAMES.get(number, f'device type {number}')}, not in host memory")


def _dtype(tensor: _Tensor) -> np.dtype[Any]:
    named = _TYPES.get((tensor.code, tensor.bits))
    if named is None and tensor.code in _LETTERS and tensor.bits % 8 == 0:
        named = f"{_LETTERS[tensor.code]}{tensor.bits // 8}"
    if named is None or tensor.lanes != 1:
        raise ValueError(f"its elements have DLPack type code {tensor.code}, {tensor.bits} bits")
    dtype: np.dtype[Any] = np.dtype(named)
    return dtype
