"""jitrt: a JIT-compiled runtime for ONNX models.

session = jitrt.InferenceSession("model.onnx")
outputs = session.run(None, {"input": array})
"""

from __future__ import annotations

from jitrt.eager import call
from jitrt.metadata import NodeArg
from jitrt.options import GraphOptimizationLevel, SessionOptions
from jitrt.session import InferenceSession
from jitrt.version import __version__

__all__ = ["GraphOptimizationLevel", "InferenceSession", "NodeArg", "SessionOptions", "__version__", "call"]
