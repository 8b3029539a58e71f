"""What callers feed and get: arrays checked on the way in, and their own on the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from jitrt.dlpack import from_dlpack
from jitrt.errors import Fail, InvalidArgument
from jitrt.graph import Model
from jitrt.ortvalue import OrtValue
from jitrt.segment import InputSpec
from jitrt.types import BF16, ELEMENT_TYPES, STRING, TensorType, from_ort_name, ort_name


def input_specs(model: Model) -> dict[str, InputSpec]:
    """What is fixed about the model's inputs, and the initializers that may be given."""
    specs = {}
    for name in (*model.graph.inputs, *model.overridable):
        declared = model.graph.types.get(name)
        specs[name] = InputSpec(STRING, None)
        if isinstance(declared, TensorType):
            shape = declared.shape or ()  # which takes any shape, as in onnxruntime
            sizes = tuple(d if isinstance(d, int) else None for d in shape)
            specs[name] = InputSpec(declared.dtype, sizes or None)
    return specs


def plain_outputs(model: Model) -> list[str]:
    """Outputs that are maps or sequences of maps."""
    types = model.graph.types
    return [n for n in model.graph.outputs if str(types.get(n)).startswith(("map(", "seq(map("))]


def as_fed(name: str, value: Any, declared: TensorType | str | None) -> Any:
    """The value for input `name`: where it is a tensor, as a C-contiguous array in native byte order.

    Raises InvalidArgument for a wrong type, RuntimeError for an object that holds no array, Fail for None.
    """
    if isinstance(value, OrtValue):
        value = value.value
    if not isinstance(declared, TensorType):
        return _as_declared(name, value, declared or "")
    if value is None:
        raise Fail(f"Missing Input: {name}")
    if not isinstance(value, (ndarray, list, tuple)):
        value = _foreign_array(name, value)
    array = value if isinstance(value, ndarray) else _from_list(name, value, declared.dtype)
    if declared.dtype == STRING and array.dtype.kind in "UT":
        array = array.astype(object)
    if declared.dtype == STRING and array.dtype.kind == "S":
        array = np.strings.decode(array, "utf-8").astype(object)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if declared.dtype == BF16 and array.dtype == np.uint16:
        array = array.view(BF16)
    if array.dtype != declared.dtype:
        actual, expected = _type_name(array.dtype), ort_name(declared.dtype)
        raise InvalidArgument(f"Unexpected input data type. Actual: ({actual}) , expected: ({expected})")
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")


def _from_list(name: str, value: Any, dtype: np.dtype[Any]) -> ndarray[Any, Any]:
    try:
        return np.asarray(value, dtype)
    except ValueError as error:
        raise RuntimeError(f"Could not create tensor from given input list: input {name}: {error}") from None


def _foreign_array(name: str, value: Any) -> ndarray[Any, Any]:
    """Another library's tensor as an array, in the same memory where it can be."""
    if hasattr(value, "__dlpack__") and not isinstance(value, np.generic):
        try:
            return from_dlpack(value)
        except ValueError as error:
            raise RuntimeError(f"input {name}: {type(value)} cannot be read: {error}") from None
    if hasattr(value, "__cuda_array_interface__"):
        raise RuntimeError(f"input {name}: {type(value)} is on cuda, not in host memory")
    if hasattr(value, "__array_interface__") and not isinstance(value, np.generic):
        return np.asarray(value)
    if isinstance(value, Iterable) and not isinstance(value, (dict, np.generic)):
        raise RuntimeError(
            f"Input must be a list of dictionaries or a single numpy array for input '{name}'."
        )
    raise RuntimeError(f"Unable to handle object of type {type(value)}")


def _as_declared(name: str, value: Any, declared: str) -> Any:
    """The value of an input that is declared to be no tensor, the tensors in it as `as_fed` gives them."""
    outer, _, inner = declared.removesuffix(")").partition("(")
    if outer == "optional":
        if value is None:
            return None
        dtype = from_ort_name(inner)
        return as_fed(name, value, inner if dtype is None else TensorType(dtype, None))
    dtype = from_ort_name(inner) if outer == "seq" else None
    if dtype is None:
        return value
    if value is None:
        raise Fail(f"Missing Input: {name}")
    if not isinstance(value, (list, tuple)):
        got = "a tensor" if isinstance(value, ndarray) else f"{type(value)}"
        raise InvalidArgument(f"input with name: '{name}' expected to be of type: 3 but received {got}")
    return [_element(name, element, TensorType(dtype, None)) for element in value]


def _element(name: str, value: Any, declared: TensorType) -> ndarray[Any, Any]:
    """An element of a sequence of tensors."""
    if value is None or isinstance(value, (str, bytes, int, float, list, tuple, dict)):
        raise RuntimeError("CreateSequenceOfTensors: Input is not a tensor")
    try:
        array: ndarray[Any, Any] = as_fed(name, value, declared)
    except InvalidArgument:
        raise RuntimeError("TensorSeq: tensor to be added has a different data type.") from None
    return array


def _type_name(dtype: np.dtype[Any]) -> str:
    """The type in onnxruntime's messages. Raises RuntimeError for one that it does not have."""
    if dtype.kind in "OUST" or (dtype.kind == "V" and dtype not in _KNOWN):
        return "tensor(string)"
    if dtype not in _KNOWN or dtype.kind == "c":
        raise RuntimeError(f"Numpy_type {dtype.num} can't be converted to MLDataType.")
    return ort_name(dtype)


_KNOWN = {np.dtype(kind) for kind, _, _ in ELEMENT_TYPES.values()}


def unshared(results: list[Any], inputs: list[Any]) -> list[Any]:
    """The results with copies in place of what an input, a constant or another result also holds."""
    seen = set(map(id, inputs))
    for value in inputs:
        if value.__class__ is not ndarray and isinstance(value, (list, tuple)):
            seen.update(map(id, value))
    return _unshared(results, seen)


def _unshared(values: list[Any], seen: set[int]) -> list[Any]:
    fresh = []
    for value in values:
        if value.__class__ is ndarray:
            if value.base is not None or id(value) in seen or not value.flags.writeable:
                value = value.copy()
            seen.add(id(value))
        elif value.__class__ is list and (id(value) in seen or (value and value[0].__class__ is ndarray)):
            value = _unshared(value, seen)
        fresh.append(value)
    return fresh
