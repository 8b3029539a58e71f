"""What loading raises here and in onnxruntime."""

import inspect
import re

import pytest
from onnx import defs

from jitrt import errors
from jitrt.load import load
from jitrt.load_operators import check_operators


def known(operator):
    """The attributes of every operator of ONNX except Max."""
    if operator.op_type == "Max":
        return None
    try:
        schema = defs.get_schema(operator.op_type, operator.version, operator.domain)
    except defs.SchemaError:
        return None
    required = inspect.Parameter.empty
    return (
        None
        if schema.deprecated
        else {a.name: required if a.required else None for a in schema.attributes.values()}
    )


def outcome(source):
    """Class name and message of what loading raises."""
    try:
        check_operators(load(source), known)
    except errors.JitrtError as error:
        return type(error).__name__, error.message
    return "no error", ""


def onnxruntime_outcome(source):
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime.set_default_logger_severity(4)
    try:
        onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    except Exception as error:
        return type(error).__name__, str(error)
    return "no error", ""


def assert_like_onnxruntime(source):
    """Same class, same message; onnxruntime's also names itself and places in its C++ source."""
    (kind, message), (their_kind, theirs) = outcome(source), onnxruntime_outcome(source)
    assert kind == their_kind
    prefix = re.compile(r"Load model from \S+ failed:")
    message, theirs = prefix.sub("", message), prefix.sub("", theirs).replace("ONNX Runtime", "jitrt")
    theirs = re.sub(r"tensorprotoutils.cc:\d+ \w+ ", "", theirs).strip()
    assert theirs.endswith(message.strip()) or message.startswith(
        theirs.partition("NOT_IMPLEMENTED : ")[2] or " "
    )
    return kind
