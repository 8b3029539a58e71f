"""`TypeHelper`, as optimum takes it from onnxruntime.transformers.io_binding_helper: types by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jitrt.metadata import NodeArg
from jitrt.types import from_ort_name, to_onnx

if TYPE_CHECKING:
    from jitrt.session import InferenceSession


class TypeHelper:
    """From `tensor(float)` to the type of NumPy, of PyTorch, or to ONNX's number. Each raises ValueError."""

    @staticmethod
    def get_input_type(ort_session: InferenceSession, name: str) -> str:
        """The type of an input of the session."""
        return _named(ort_session.get_inputs(), name, "input")

    @staticmethod
    def get_output_type(ort_session: InferenceSession, name: str) -> str:
        """The type of an output of the session."""
        return _named(ort_session.get_outputs(), name, "output")

    @staticmethod
    def ort_type_to_numpy_type(ort_type: str) -> Any:
        """`numpy.float32`."""
        kind = _dtype(ort_type).type
        return bool if ort_type == "tensor(bool)" else kind

    @staticmethod
    def ort_type_to_torch_type(ort_type: str) -> Any:
        """`torch.float32`. Raises ImportError without PyTorch."""
        import torch

        try:
            return getattr(torch, _dtype(ort_type).name)
        except AttributeError:
            raise ValueError(f"{ort_type} not found in map") from None

    @staticmethod
    def ort_type_to_onnx_type(ort_type: str) -> int:
        """1."""
        return to_onnx(_dtype(ort_type))

    @staticmethod
    def get_io_onnx_type_map(ort_session: InferenceSession) -> dict[str, int]:
        """ONNX's number for the type of each input and output of the session."""
        values = (*ort_session.get_inputs(), *ort_session.get_outputs())
        return {value.name: TypeHelper.ort_type_to_onnx_type(value.type) for value in values}


def _named(values: Sequence[NodeArg], name: str, what: str) -> str:
    for value in values:
        if value.name == name:
            return value.type
    raise ValueError(f"{what} name {name} not found")


def _dtype(ort_type: str) -> Any:
    dtype = from_ort_name(ort_type)
    if dtype is None:
        raise ValueError(f"{ort_type} not found in map")
    return dtype
