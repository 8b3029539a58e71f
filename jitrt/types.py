"""Element types and tensor types, under the names that ONNX and onnxruntime use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import ml_dtypes
import numpy as np

if TYPE_CHECKING:
    from jitrt.dims import Size

# ONNX TensorProto.DataType -> (NumPy type, short name, name in onnxruntime's messages)
ELEMENT_TYPES: dict[int, tuple[Any, str, str]] = {
    1: (np.float32, "f32", "float"),
    2: (np.uint8, "u8", "uint8"),
    3: (np.int8, "i8", "int8"),
    4: (np.uint16, "u16", "uint16"),
    5: (np.int16, "i16", "int16"),
    6: (np.int32, "i32", "int32"),
    7: (np.int64, "i64", "int64"),
    8: (np.object_, "str", "string"),
    9: (np.bool_, "bool", "bool"),
    10: (np.float16, "f16", "float16"),
    11: (np.float64, "f64", "double"),
    12: (np.uint32, "u32", "uint32"),
    13: (np.uint64, "u64", "uint64"),
    14: (np.complex64, "c64", "complex64"),
    15: (np.complex128, "c128", "complex128"),
    16: (ml_dtypes.bfloat16, "bf16", "bfloat16"),
    17: (ml_dtypes.float8_e4m3fn, "f8e4m3fn", "float8e4m3fn"),
    18: (ml_dtypes.float8_e4m3fnuz, "f8e4m3fnuz", "float8e4m3fnuz"),
    19: (ml_dtypes.float8_e5m2, "f8e5m2", "float8e5m2"),
    20: (ml_dtypes.float8_e5m2fnuz, "f8e5m2fnuz", "float8e5m2fnuz"),
    21: (ml_dtypes.uint4, "u4", "uint4"),
    22: (ml_dtypes.int4, "i4", "int4"),
    23: (ml_dtypes.float4_e2m1fn, "f4e2m1", "float4e2m1"),
    24: (ml_dtypes.float8_e8m0fnu, "f8e8m0", "float8e8m0"),
    25: (ml_dtypes.uint2, "u2", "uint2"),
    26: (ml_dtypes.int2, "i2", "int2"),
    27: (ml_dtypes.float6_e2m3fn, "f6e2m3", "float6e2m3"),
    28: (ml_dtypes.float6_e3m2fn, "f6e3m2", "float6e3m2"),
}

F16 = np.dtype(np.float16)
BF16 = np.dtype(ml_dtypes.bfloat16)
F32 = np.dtype(np.float32)
F64 = np.dtype(np.float64)
I8 = np.dtype(np.int8)
U8 = np.dtype(np.uint8)
I32 = np.dtype(np.int32)
I64 = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)
STRING = np.dtype(np.object_)
BITS = {size: np.dtype(f"uint{8 * size}") for size in (1, 2, 4, 8)}  # what is only moved, by its bytes
HOST_TYPES = (STRING, np.dtype(np.complex64), np.dtype(np.complex128))  # which no kernel reads

_SHORT = {np.dtype(t): short for t, short, _ in ELEMENT_TYPES.values()}
_LONG = {np.dtype(t): long for t, _, long in ELEMENT_TYPES.values()}
_BY_ORT_NAME = {f"tensor({long})": dtype for dtype, long in _LONG.items()}
_ONNX = {np.dtype(t): code for code, (t, _, _) in ELEMENT_TYPES.items()}


def from_onnx(code: int) -> np.dtype[Any]:
    """The NumPy type of ONNX element type `code`. Raises KeyError for an unknown code."""
    kind: np.dtype[Any] = np.dtype(ELEMENT_TYPES[code][0])
    return kind


def to_onnx(dtype: np.dtype[Any]) -> int:
    """The ONNX element type code of a NumPy type."""
    return _ONNX[dtype]


@cache
def short_name(dtype: np.dtype[Any]) -> str:
    """`f32` for float32: the form used in plans, kernel names and error messages."""
    return _SHORT[dtype]


@cache
def ort_name(dtype: np.dtype[Any]) -> str:
    """`tensor(float)` for float32: the form used in onnxruntime's messages and `NodeArg.type`."""
    return f"tensor({_LONG[dtype]})"


def element_type(given: Any) -> np.dtype[Any]:
    """The type that ONNX's number, or what NumPy takes for a type, stands for. Raises RuntimeError."""
    if isinstance(given, int):
        if given not in ELEMENT_TYPES:
            raise RuntimeError(f"tensor type {given} is not supported")
        return from_onnx(given)
    try:
        kind: np.dtype[Any] = np.dtype(given)
    except TypeError:
        raise RuntimeError("Not a valid numpy type") from None
    return kind


def from_ort_name(name: str) -> np.dtype[Any] | None:
    """The element type of a tensor that onnxruntime writes so; None for other types."""
    return _BY_ORT_NAME.get(name)


@cache
def is_float(dtype: np.dtype[Any]) -> bool:
    """True for the real floating types, the 16-bit and smaller ones included."""
    return dtype.kind == "f" or "float" in dtype.name


@cache
def is_integer(dtype: np.dtype[Any]) -> bool:
    """True for the signed and unsigned integer types, the 4- and 2-bit ones included; bool is none."""
    return dtype.kind in "iu" or dtype.name in ("int4", "uint4", "int2", "uint2")


@cache
def is_small(dtype: np.dtype[Any]) -> bool:
    """True for the floats and integers of 8 bits and fewer, a byte each, that are only moved and decoded."""
    return dtype.itemsize == 1 and dtype not in (BOOL, I8, U8)


class TensorType(NamedTuple):
    """A tensor's element type and shape; a dimension is an int, a symbol's name, or None if unknown."""

    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        dims = "..." if self.shape is None else ",".join("?" if d is None else str(d) for d in self.shape)
        return f"{short_name(self.dtype)}[{dims}]"


def format_type(dtype: np.dtype[Any], shape: Sequence[Size]) -> str:
    """`f32[2,64]`: how a bound tensor prints."""
    return f"{short_name(dtype)}[{','.join(map(str, shape))}]"
