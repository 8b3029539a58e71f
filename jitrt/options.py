"""Options and descriptions that a session takes and gives, under onnxruntime's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from jitrt.types import TensorType, ort_name


class GraphOptimizationLevel(IntEnum):
    """How much a session rewrites a model; jitrt gives the same results at every level."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class SessionOptions:
    """How a session runs.

    `intra_op_num_threads` is the number of threads of one run, 0 for the physical cores that this process
    may use. `graph_optimization_level` is ORT_DISABLE_ALL to compute every operator by itself, for
    comparisons: nothing is fused then.
    """

    __slots__ = ("graph_optimization_level", "intra_op_num_threads")

    def __init__(self) -> None:
        self.intra_op_num_threads = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL


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
