"""The graph as loaded: nodes over named values, in topological order, with no onnx objects left in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitrt.types import TensorType


@dataclass(eq=False)
class Node:
    """One operator application. Absent optional inputs and outputs are the empty string.

    `version` is the opset version that the model imports for `domain`. Attributes are plain Python
    values (int, float, str, bytes where it is no UTF-8, lists of them), NumPy arrays for tensors and for
    more than a thousand numbers, or a `Graph` for a body.
    """

    op_type: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""
    version: int = 1
    name: str = ""

    def names_read(self) -> set[str]:
        """Names that the node and its bodies read."""
        bodies = (value for value in self.attributes.values() if isinstance(value, Graph))
        return {name for name in self.inputs if name}.union(*(body.outer_names() for body in bodies))

    def __str__(self) -> str:
        return f'{self.op_type} "{self.name or ", ".join(self.outputs)}"'


@dataclass(eq=False)
class Graph:
    """A model's graph or a body of If, Loop or Scan.

    A body may read names of the graphs around it; no name is defined twice in a model. `types` holds what
    the file declares for inputs and outputs; an entry that is no tensor (sequence, map, optional) is the
    onnxruntime-style type string.
    """

    name: str
    inputs: list[str]
    outputs: list[str]
    nodes: list[Node]
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    types: dict[str, TensorType | str] = field(default_factory=dict)

    def outer_names(self) -> set[str]:
        """Names that this graph or its bodies read and do not define."""
        defined = {*self.inputs, *self.constants}
        free: set[str] = set()
        for node in self.nodes:
            free |= node.names_read() - defined
            defined |= set(node.outputs)
        return free | (set(self.outputs) - defined)


@dataclass(eq=False)
class Model:
    """A loaded model; `overridable` are constants that a caller may replace: inputs with an initializer.

    `optional_shapes` are those of inputs and outputs that are optional tensors, by name.
    """

    graph: Graph
    ir_version: int
    opsets: dict[str, int]
    overridable: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    optional_shapes: dict[str, tuple[int | str | None, ...]] = field(default_factory=dict)
    path: str = ""  # of the file, or empty for a model loaded from bytes
    skeleton: str = ""  # a digest of all but the data of large tensors
    files: list[str] = field(default_factory=list)  # beside it, with its tensors
