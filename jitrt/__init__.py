"""jitrt: a JIT-compiled runtime for ONNX models.

session = jitrt.InferenceSession("model.onnx")
outputs = session.run(None, {"input": array})
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jitrt import forks
from jitrt.enumerations import (
    ExecutionMode,
    ExecutionOrder,
    GraphOptimizationLevel,
    OrtAllocatorType,
    OrtDeviceMemoryType,
    OrtDeviceVendorId,
    OrtExecutionProviderDevicePolicy,
    OrtHardwareDeviceType,
    OrtMemoryInfoDeviceType,
    OrtMemType,
)
from jitrt.iobinding import IOBinding
from jitrt.log import (
    set_default_logger_callback,
    set_default_logger_severity,
    set_default_logger_verbosity,
)
from jitrt.metadata import ModelMetadata, NodeArg
from jitrt.options import RunOptions, SessionOptions
from jitrt.ortvalue import OrtValue
from jitrt.providers import get_all_providers, get_available_providers, get_device
from jitrt.session import InferenceSession
from jitrt.version import __version__

if TYPE_CHECKING:
    from types import ModuleType

    from jitrt.devices import (
        OrtArenaCfg,
        OrtDevice,
        OrtEpDevice,
        OrtHardwareDevice,
        OrtMemoryInfo,
        copy_tensors,
        create_and_register_allocator,
        create_and_register_allocator_v2,
        get_ep_devices,
    )
    from jitrt.eager import call
    from jitrt.user_operator import op


def __getattr__(name: str) -> Any:
    """What few programs ask for, whose import none shall wait for."""
    if name not in globals().get("__all__", ()):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"call": "jitrt.eager", "op": "jitrt.user_operator"}.get(name, "jitrt.devices")
    with forks.importing:
        return getattr(importlib.import_module(module), name)


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
    "OrtAllocatorType",
    "OrtArenaCfg",
    "OrtDevice",
    "OrtDeviceMemoryType",
    "OrtDeviceVendorId",
    "OrtEpDevice",
    "OrtExecutionProviderDevicePolicy",
    "OrtHardwareDevice",
    "OrtHardwareDeviceType",
    "OrtMemType",
    "OrtMemoryInfo",
    "OrtMemoryInfoDeviceType",
    "OrtValue",
    "RunOptions",
    "SessionOptions",
    "__version__",
    "as_onnxruntime",
    "call",
    "copy_tensors",
    "create_and_register_allocator",
    "create_and_register_allocator_v2",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "get_ep_devices",
    "op",
    "set_default_logger_callback",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
]
