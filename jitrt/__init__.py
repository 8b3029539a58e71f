"""jitrt: a JIT-compiled runtime for ONNX models.

session = jitrt.InferenceSession("model.onnx")
outputs = session.run(None, {"input": array})
"""

from __future__ import annotations

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
from jitrt.version import __version__

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
    "call",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
]
