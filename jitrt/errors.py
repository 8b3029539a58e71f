"""The exceptions that users of onnxruntime catch, with its class names, status codes and message prefix.

The constructors take the plain message; `str(error)` is "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : ...".
https://onnxruntime.ai/docs/api/c/group___global.html (OrtErrorCode)
"""

# ruff: noqa: N818 - the names are onnxruntime's

from __future__ import annotations

from typing import ClassVar


class JitrtError(Exception):
    """Base of every error raised on purpose; `message` is the text without onnxruntime's prefix."""

    code: ClassVar[int] = 1
    status: ClassVar[str] = "FAIL"

    def __init__(self, message: str) -> None:
        super().__init__(f"[ONNXRuntimeError] : {self.code} : {self.status} : {message}")
        self.message = message

    def __reduce__(self) -> tuple[type[JitrtError], tuple[str]]:
        return type(self), (self.message,)


class Fail(JitrtError):
    """The model cannot be used, or a node failed while it ran."""


class InvalidArgument(JitrtError):
    """An input, an output name or an option is wrong, or a node reads a value that nobody defines."""

    code, status = 2, "INVALID_ARGUMENT"


class NoSuchFile(JitrtError):
    """The model file does not exist."""

    code, status = 3, "NO_SUCHFILE"


class NoModel(JitrtError):
    """No model is loaded."""

    code, status = 4, "NO_MODEL"


class EngineError(JitrtError):
    """An execution provider's engine failed."""

    code, status = 5, "ENGINE_ERROR"


class RuntimeException(JitrtError):
    """An unexpected failure while the model ran."""

    code, status = 6, "RUNTIME_EXCEPTION"


class InvalidProtobuf(JitrtError):
    """The bytes are not a protocol buffer."""

    code, status = 7, "INVALID_PROTOBUF"


class ModelLoaded(JitrtError):
    """A model is already loaded."""

    code, status = 8, "MODEL_LOADED"


class NotImplemented(JitrtError):
    """The operator exists and this runtime has no kernel for it."""

    code, status = 9, "NOT_IMPLEMENTED"


class InvalidGraph(JitrtError):
    """A node contradicts its operator's specification."""

    code, status = 10, "INVALID_GRAPH"


class EPFail(JitrtError):
    """An execution provider failed."""

    code, status = 11, "EP_FAIL"


class ModelLoadCanceled(JitrtError):
    """Loading was cancelled by the user."""

    code, status = 12, "MODEL_LOAD_CANCELED"


class ModelRequiresCompilation(JitrtError):
    """The session's options forbid to compile and the model is not compiled."""

    code, status = 13, "MODEL_REQUIRES_COMPILATION"


class NotFound(JitrtError):
    """Something that was asked for by name does not exist."""

    code, status = 14, "NOT_FOUND"


class DeviceReset(JitrtError):
    """The device was reset and its state is lost."""

    code, status = 15, "DEVICE_RESET"


RUNNING = "Non-zero status code returned while running "


def at_node(error: Exception, op_type: str, name: str) -> JitrtError:
    """The error of a node, which says so; that of a node in its body does already."""
    where = f"{RUNNING}{op_type} node. Name:'{name}' Status Message: "
    if not isinstance(error, JitrtError):
        return Fail(f"{where}{error}")
    return error if error.message.startswith(RUNNING) else type(error)(where + error.message)
