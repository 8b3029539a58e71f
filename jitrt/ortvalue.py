"""Values outside of runs, under onnxruntime's names: a tensor, a sequence, a map, or none.

https://onnxruntime.ai/docs/api/python/api_summary.html#ortvalue
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt import types
from jitrt.dlpack import from_dlpack, to_dlpack
from jitrt.types import STRING, from_ort_name, ort_name, to_onnx

Array = np.ndarray[Any, Any]
_NO_TENSOR = "Only OrtValues that are Tensors/SpareTensors are currently supported"


class OrtValue:
    """A value that runs take and give. A tensor's memory is that of the NumPy array it was made from."""

    __slots__ = ("_type", "_value")
    _type: str
    _value: Any

    def __init__(self, value: Any, declared: str = "") -> None:
        """`declared` is the type of a sequence or map, which an empty one does not show."""
        self._value = value._value if isinstance(value, OrtValue) else value
        self._type = value._type if isinstance(value, OrtValue) else declared

    @property
    def value(self) -> Any:
        """The array, list, dictionary or None that it holds."""
        return self._value

    @classmethod
    def ortvalue_from_numpy(
        cls, numpy_obj: Array, /, device_type: str = "cpu", device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        """A tensor in the array's memory, a copy if that is not contiguous."""
        check_is_host(device_type)
        if not isinstance(numpy_obj, np.ndarray):
            raise RuntimeError(
                f"Creation of OrtValues is currently only supported from numpy arrays, got {type(numpy_obj)}"
            )
        dtype = STRING if numpy_obj.dtype.kind in "UT" else numpy_obj.dtype.newbyteorder("=")
        array = numpy_obj.astype(dtype, copy=False)
        return cls(np.ascontiguousarray(array) if array.ndim else array)

    @classmethod
    def ortvalue_from_numpy_with_onnx_type(cls, data: Array, /, onnx_element_type: int) -> OrtValue:
        """A tensor whose elements are the bits of the array's, as another type of the same width."""
        dtype = types.element_type(onnx_element_type)
        if dtype.itemsize != data.dtype.itemsize:
            raise RuntimeError(f"elements of {data.dtype} and {dtype} differ in size")
        return cls(np.ascontiguousarray(data).view(dtype))

    @classmethod
    def ortvalue_from_shape_and_type(
        cls,
        shape: Sequence[int],
        element_type: Any,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
        memory_info: Any = None,
    ) -> OrtValue:
        """A tensor with undefined elements; the type is NumPy's or ONNX's number."""
        check_is_host(device_type)
        dtype = types.element_type(element_type)
        if any(size < 0 for size in shape):
            raise RuntimeError(f"Tensor shape.Size() must be >= 0, got the shape {list(shape)}")
        return cls(np.empty(tuple(shape), dtype))

    @classmethod
    def from_dlpack(cls, data: Any, is_bool_tensor: bool = False, /) -> OrtValue:
        """A tensor in the memory of an object that speaks DLPack, or of its capsule.

        Of a capsule of bytes the caller says whether they are truth values. Raises ValueError for memory of
        another device.
        """
        array = from_dlpack(data)
        return cls(array.view(np.bool_) if is_bool_tensor else array)

    def numpy(self) -> Any:
        """The tensor, in the same memory; what else the value holds as it is."""
        return self._value

    def update_inplace(self, data: Array | OrtValue) -> None:
        """Copy an array of the same type and size into the tensor. Raises RuntimeError for another."""
        if isinstance(data, OrtValue):
            data = data.value
        if not isinstance(data, np.ndarray):
            raise TypeError("data must be a numpy.ndarray or an OrtValue.")
        array = self._tensor()
        if array.dtype != data.dtype or array.size != data.size:
            raise RuntimeError(
                "The input size of numpy arrays does not match the size of the OrtValue: "
                f"{data.size} elements of {data.dtype}, expected {array.size} of {array.dtype}"
            )
        if not array.flags.writeable:
            raise RuntimeError("update_inplace: the array that the value was made from is read-only")
        array[...] = data.reshape(array.shape)

    def shape(self) -> list[int]:
        """The tensor's shape."""
        return list(self._tensor().shape)

    def data_type(self) -> str:
        """`tensor(float)`, or the type of a sequence or map."""
        return self._type or _type_name(self._value)

    def element_type(self) -> int:
        """ONNX's number for the element type of the tensor, or of a sequence's tensors."""
        inner = self.data_type().removeprefix("seq(").removesuffix(")")
        dtype = from_ort_name(inner) if self.is_tensor_sequence() else self._tensor().dtype
        if dtype is None:
            raise RuntimeError(_NO_TENSOR)
        return to_onnx(dtype)

    def tensor_size_in_bytes(self) -> int:
        """The size of the tensor's memory."""
        return self._tensor().nbytes

    def data_ptr(self) -> int:
        """The address of the tensor's first element."""
        return int(self._tensor().__array_interface__["data"][0])

    def device_name(self) -> str:
        """`cpu`."""
        return "cpu"

    def has_value(self) -> bool:
        """False for an optional that holds nothing."""
        return self._value is not None

    def is_tensor(self) -> bool:
        """Whether the value is a tensor."""
        return isinstance(self._value, np.ndarray)

    def is_tensor_sequence(self) -> bool:
        """Whether the value is a sequence of tensors."""
        return self.data_type().startswith("seq(tensor(")

    def is_sparse_tensor(self) -> bool:
        """False: sparse tensors are not among the values here."""
        return False

    def to_dlpack(self) -> Any:
        """A DLPack capsule."""
        return self.__dlpack__()

    def __dlpack__(self, **options: Any) -> Any:
        return to_dlpack(self._tensor(), **options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._tensor().__dlpack_device__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._tensor(), dtype, copy=copy)

    def __reduce__(self) -> tuple[type[OrtValue], tuple[Any, str]]:
        return OrtValue, (self._value, self._type)

    def __repr__(self) -> str:
        return f"OrtValue({self._value!r})"

    @property
    def _ortvalue(self) -> OrtValue:
        """Itself: libraries hand it to bindings of onnxruntime's C++ classes."""
        return self

    def _get_c_value(self) -> OrtValue:
        return self

    def _tensor(self) -> Array:
        if not isinstance(self._value, np.ndarray):
            raise RuntimeError(_NO_TENSOR)
        return self._value


def _type_name(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return ort_name(value.dtype)
    if isinstance(value, list):
        return f"seq({_type_name(value[0])})" if value else "seq(tensor(float))"
    if isinstance(value, dict):
        key = "string" if value and isinstance(next(iter(value)), str) else "int64"
        return f"map({key},tensor(float))"
    return "optional(tensor(float))"


class OrtValueVector(list[OrtValue]):
    """OrtValues in a row, by onnxruntime's name for that."""

    push_back = list.append


def check_is_host(device_type: str) -> None:
    """Raise RuntimeError for a device whose memory is not used here, Exception for an unknown name."""
    if device_type != "cpu":
        from jitrt.devices import check_device  # with what most programs never ask for

        check_device(device_type)
