"""jitrt: a JIT-compiled runtime for ONNX models.

session = jitrt.InferenceSession("model.onnx")
outputs = session.run(None, {"input": array})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitrt.eager import call
from jitrt.iobinding import IOBinding
from jitrt.log import (
    set_default_logger_severity,
    set_default_logger_verbosity,
)
from jitrt.metadata import ModelMetadata, NodeArg
from jitrt.options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from jitrt.ortvalue import OrtDevice, OrtValue
from jitrt.providers import get_all_providers, get_available_providers, get_device
from jitrt.session import InferenceSession
from jitrt.user_operator import op
from jitrt.version import __version__

if TYPE_CHECKING:
    from types import ModuleType


def as_onnxruntime() -> ModuleType:
    """Let `import onnxruntime` give jitrt in this process from now on; see `jitrt.stand_in`."""
    from jitrt.stand_in import as_onnxruntime as stand_in

    return stand_in()


__all__ = [
    "ExecutionMode",
    "ExecutionOrder",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "ModelMetadata",
    "NodeArg",
    "OrtDevice",
    "OrtValue",
    "RunOptions",
    "SessionOptions",
    "__version__",
    "as_onnxruntime",
    "call",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "op",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
]
