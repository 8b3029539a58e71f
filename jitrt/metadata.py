"""What a session tells about its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jitrt.types import TensorType, ort_name

Shape = Sequence[int | str | None]


class NodeArg:
    """An input or output of a model, as `get_inputs` gives it."""

    __slots__ = ("_name", "_shape", "_type")

    def __init__(self, name: str, declared: TensorType | str | None, shape: Shape = ()) -> None:
        """`shape` is that of an optional tensor."""
        self._name = name
        self._type = ort_name(declared.dtype) if isinstance(declared, TensorType) else declared or ""
        self._shape = list(declared.shape or () if isinstance(declared, TensorType) else shape)

    @property
    def name(self) -> str:
        """The name by which it is fed or asked for."""
        return self._name

    @property
    def type(self) -> str:
        """`tensor(float)`, or `seq(tensor(float))`."""
        return self._type

    @property
    def shape(self) -> list[int | str | None]:
        """Its dimensions, or those of what an optional holds: sizes, symbols, or None; empty for others."""
        return list(self._shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeArg) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((self._name, self._type))

    def __repr__(self) -> str:
        return f"NodeArg(name={self._name!r}, type={self._type!r}, shape={self._shape})"


@dataclass
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
