"""TypeProto to `TensorType`, or to onnxruntime's type string where the value is no tensor."""

from __future__ import annotations

from collections.abc import Callable

from jitrt.errors import InvalidArgument
from jitrt.proto import Dimension, TypeProto
from jitrt.types import ELEMENT_TYPES, TensorType, from_onnx, ort_name
from jitrt.wire import has


def size_of(dimension: Dimension) -> int | str | None:
    """The declared size, or its symbol, or None."""
    if has(dimension, "dim_value") and dimension.dim_value >= 0:
        return dimension.dim_value
    return dimension.dim_param or None


def to_type(
    source: TypeProto | None, size: Callable[[Dimension], int | str | None] = size_of
) -> TensorType | str | None:
    """The declared type; None where the file declares none. Raises InvalidArgument for an unknown one."""
    if source is None or not vars(source):
        return None
    if source.tensor_type is None:
        return type_string(source)
    tensor = source.tensor_type
    _element_name(tensor.elem_type)
    shape = None if tensor.shape is None else tuple(map(size, tensor.shape.dim))
    return TensorType(from_onnx(tensor.elem_type), shape)


def optional_shape(
    source: TypeProto | None, size: Callable[[Dimension], int | str | None] = size_of
) -> tuple[int | str | None, ...] | None:
    """The shape declared for an optional tensor; None for other types and where the file declares none."""
    optional = None if source is None else source.optional_type
    kind = to_type(optional.elem_type, size) if optional is not None else None
    return kind.shape if isinstance(kind, TensorType) else None


def type_string(source: TypeProto | None) -> str:
    """`seq(map(int64,tensor(float)))`: the type as onnxruntime writes it, shapes left out."""
    if source is not None:
        if source.tensor_type is not None:
            return f"tensor({_element_name(source.tensor_type.elem_type)})"
        if source.sparse_tensor_type is not None:
            return f"sparse_tensor({_element_name(source.sparse_tensor_type.elem_type)})"
        if source.sequence_type is not None:
            return f"seq({type_string(source.sequence_type.elem_type)})"
        if source.optional_type is not None:
            return f"optional({type_string(source.optional_type.elem_type)})"
        if source.map_type is not None:
            return f"map({_element_name(source.map_type.key_type)},{type_string(source.map_type.value_type)})"
        if source.opaque_type is not None:
            return f"opaque({source.opaque_type.domain},{source.opaque_type.name})"
    raise InvalidArgument("Failed to load model with error: Unsupported type proto value case:0")


def name_of(kind: TensorType | str | None) -> str:
    """The type as onnxruntime writes it in messages; empty where it is not known."""
    return ort_name(kind.dtype) if isinstance(kind, TensorType) else kind or ""


def _element_name(code: int) -> str:
    if code not in ELEMENT_TYPES:
        raise InvalidArgument(f"Failed to load model with error: Invalid tensor data type {code}.")
    return ELEMENT_TYPES[code][2]
