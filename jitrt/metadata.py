"""What a session tells about its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jitrt.types import TensorType, ort_name


@dataclass(frozen=True)
class NodeArg:
    """An input or output of a model: its name, type (`tensor(float)`), and shape (int, symbol or None)."""

    name: str
    type: str
    shape: list[int | str | None] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, declared: TensorType | str | None) -> NodeArg:
        """From what the model declares."""
        if isinstance(declared, TensorType):
            return cls(name, ort_name(declared.dtype), list(declared.shape or ()))
        return cls(name, declared or "")


@dataclass(frozen=True)
class ModelMetadata:
    """What a model's file says of itself. `version` is 2**63 - 1 where it says none."""

    producer_name: str
    domain: str
    description: str
    graph_name: str
    graph_description: str
    version: int
    custom_metadata_map: dict[str, str]

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> ModelMetadata:
        """From `Model.metadata`."""
        return cls(**{name: metadata[name] for name in cls.__dataclass_fields__})
