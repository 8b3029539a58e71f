"""Reading a model: a file or bytes to a `Model`, or an error that says what is wrong with it, and where.

The file is mapped, and large initializers are read-only views of the mapping: loading reads little more than
the graph, and weights come from the disk when a plan packs them. A file must therefore not be overwritten in
place while its model is in use; replacing it by another file is fine.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from jitrt import proto
from jitrt.errors import Fail, InvalidArgument, InvalidProtobuf, JitrtError, NoSuchFile
from jitrt.graph import Model, Node
from jitrt.load_check import INVALID
from jitrt.load_graph import Builder, Changes, FunctionKey, Scope
from jitrt.load_inference import complete
from jitrt.load_tensor import ExternalFiles, map_file
from jitrt.wire import DecodeError, decode, has

NEWEST_IR_VERSION = 14

# the newest version of each domain, which a model that imports none of it gets
NEWEST_OPSETS = {
    "": 28,
    "ai.onnx.ml": 5,
    "ai.onnx.preview": 1,
    "ai.onnx.preview.training": 1,
    "ai.onnx.training": 1,
    "com.microsoft": 1,
}

_TOO_NEW = (
    "jitrt only *guarantees* support for models stamped with official released onnx opset versions. "
    "Opset {version} is under development and support for this is limited. The operator schemas and or other "
    "functionality may change before next ONNX release and in this case jitrt will not guarantee backward "
    "compatibility. Current official support for domain {domain} is till opset {newest}."
)

# IR version from which an initializer may also be an input, and is then a default
DEFAULTS_SINCE = 4
OPSETS_SINCE = 3  # IR version: older files mean the first version of every operator


def load(
    source: str | os.PathLike[str] | bytes,
    *,
    implemented: Callable[[Node], bool] = lambda node: False,
    changes: Changes | None = None,
) -> Model:
    """The model in a file, or in bytes, with the changes that the caller wants.

    Functions of the model are inlined, except calls that `implemented` accepts. Raises NoSuchFile,
    InvalidProtobuf, InvalidArgument, InvalidGraph or Fail, with onnxruntime's messages.
    """
    if isinstance(source, bytes):
        unreadable = "Failed to load model because protobuf parsing failed."
        model, builder = _read(source, None, unreadable, implemented, changes)
        complete(model, source, changes or Changes())
    else:
        path = _path(source)
        try:
            data = _open(path)
            model, builder = _read(data, path, "Protobuf parsing failed.", implemented, changes)
            complete(model, data, changes or Changes())
        except JitrtError as error:
            raise type(error)(f"Load model from {path} failed:{error.message}") from None
        model.path = path
    builder.finish()
    model.files = list(builder.files.maps)
    return model


def _path(source: str | os.PathLike[str]) -> str:
    path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if not isinstance(path, str):
        raise TypeError(f"Unable to load from type '{type(source)}'")
    return path


def _open(path: str) -> memoryview:
    try:
        return map_file(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NoSuchFile(f"Load model {path} failed. File doesn't exist") from None
    except IsADirectoryError:
        raise InvalidProtobuf("Protobuf parsing failed.") from None
    except OSError as error:
        raise Fail(f"{error.strerror}") from error


def _read(
    data: Any,
    path: str | None,
    unreadable: str,
    implemented: Callable[[Node], bool],
    changes: Changes | None,
) -> tuple[Model, Builder]:
    """The model without the data of its initializers, and the builder that has yet to make them."""
    try:
        source = decode(proto.ModelProto, data)
    except DecodeError:
        raise InvalidProtobuf(unreadable) from None
    if source.graph is None:
        raise InvalidArgument("No graph was found in the protobuf.")
    opsets = _opsets(source)
    files = ExternalFiles(path, changes.files if changes else None)
    builder = Builder(_functions(source), files, implemented, changes)
    graph, defaults = builder.graph(source.graph, Scope({}, opsets))
    for name in (*graph.inputs, *defaults):
        if name not in graph.types:
            raise Fail(f"{INVALID}Model input ({name}) does not have type information.")
    overridable = defaults if source.ir_version >= DEFAULTS_SINCE else []
    metadata = _metadata(source, source.graph)
    model = Model(graph, source.ir_version, opsets, overridable, metadata, builder.optional_shapes)
    return model, builder


def _opsets(source: proto.ModelProto) -> dict[str, int]:
    """Domain to imported version. Raises Fail for a model of a format or operator set that is too new."""
    if not source.opset_import and 0 < source.ir_version < OPSETS_SINCE:
        return {"": 1}
    if not source.opset_import:
        raise Fail(
            "Missing opset in the model. All ModelProtos MUST have at least one entry that specifies which "
            "version of the ONNX OperatorSet is being imported."
        )
    if not has(source, "ir_version"):
        raise Fail("Missing model IR version.")
    if source.ir_version > NEWEST_IR_VERSION:
        limit = f"max supported IR version: {NEWEST_IR_VERSION}"
        raise Fail(f"Unsupported model IR version: {source.ir_version}, {limit}")
    opsets = dict(NEWEST_OPSETS)
    for entry in source.opset_import:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        newest = NEWEST_OPSETS.get(domain, entry.version)
        if entry.version > newest:
            raise Fail(_TOO_NEW.format(version=entry.version, domain=domain or "ai.onnx", newest=newest))
        opsets[domain] = entry.version
    return opsets


def _functions(source: proto.ModelProto) -> dict[FunctionKey, proto.FunctionProto]:
    functions: dict[FunctionKey, proto.FunctionProto] = {}
    for function in source.functions:
        domain = "" if function.domain == "ai.onnx" else function.domain
        key = (domain, function.name, function.overload)
        if key in functions:
            raise Fail(f"Duplicate model-local function identifier: {':'.join(filter(None, key))}")
        functions[key] = function
    return functions


def _metadata(source: proto.ModelProto, graph: proto.GraphProto) -> dict[str, Any]:
    """The fields of onnxruntime's `ModelMetadata`, and the producer's version."""
    return {
        "producer_name": source.producer_name,
        "producer_version": source.producer_version,
        "domain": source.domain,
        "description": source.doc_string,
        "graph_name": graph.name,
        "graph_description": graph.doc_string,
        "version": source.model_version if has(source, "model_version") else 2**63 - 1,
        "custom_metadata_map": {entry.key: entry.value for entry in source.metadata_props},
    }
