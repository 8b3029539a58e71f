"""The public names of onnxruntime's module and classes that jitrt does not have."""

from __future__ import annotations

from typing import Any

SPARSE = {"SparseTensor", "OrtSparseFormat"}
COMPILED_MODELS = {
    *("ModelCompiler", "OrtCompileApiFlags", "OrtEpContextData", "OrtEpContextDataBuffer"),
    *("ModelPackage", "ModelPackageComponentContext", "ModelPackageContext", "ModelPackageOptions"),
    *("ModelPackageWriteMode", "OrtExternalInitializerInfo"),
}
ADAPTERS = {"AdapterFormat", "LoraAdapter"}
# by class, "" for the module: names that mean nothing here, or nothing yet; they are AttributeErrors
NOT_PROVIDED = {
    "": SPARSE | COMPILED_MODELS | ADAPTERS | {"OrtSyncStream", "import_capi_exception", "contextlib"},
    "InferenceSession": set(),
    "SessionOptions": {"clear_ep_context_data_read_func", "set_ep_context_data_read_func"},
    "RunOptions": {"add_active_adapter"},
    "OrtValue": {"as_sparse_tensor", "ort_value_from_sparse_tensor"},
    "IOBinding": set(),
    "NodeArg": set(),
    "ModelMetadata": set(),
    "OrtDevice": set(),
    "OrtMemoryInfo": set(),
    "OrtArenaCfg": set(),
    "OrtEpDevice": {"create_sync_stream"},
    "OrtHardwareDevice": set(),
}


def missing(theirs: Any, ours: Any) -> dict[str, set[str]]:
    """By class, the public names that only onnxruntime has."""
    found = {"": names(theirs) - names(ours)}
    for kind in NOT_PROVIDED:
        if kind:
            found[kind] = names(getattr(theirs, kind)) - attributes(getattr(ours, kind))
    return found


def names(holder: Any) -> set[str]:
    """The public attributes of a module or class."""
    return {name for name in dir(holder) if not name.startswith("_")}


def attributes(kind: Any) -> set[str]:
    """The public attributes of a class, and those that its constructor sets."""
    return names(kind) | {*getattr(kind, "__annotations__", ())} | {*kind.__init__.__code__.co_names}
