"""jitrt under the name onnxruntime: `jitrt.as_onnxruntime()`.

From then on `import onnxruntime` in this process gives jitrt, sub-modules included, whether onnxruntime is
installed or not. Nothing happens unless it is called.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Iterable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import jitrt
from jitrt import errors, iobinding, ortvalue, providers, session_facts
from jitrt.errors import JitrtError
from jitrt.type_names import TypeHelper

_OUR_OWN = ("__version__", "as_onnxruntime", "call", "op")
API_VERSION = "1.32.0"  # of onnxruntime, whose interface this is


class _Distribution(importlib.metadata.Distribution):
    """What `importlib.metadata` finds of onnxruntime."""

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: onnxruntime\nVersion: {API_VERSION}\n"
        return None

    def locate_file(self, path: Any) -> Any:
        return path


class _Finder:
    """Finds the distribution."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """No modules: those of the stand-in are in sys.modules."""

    @staticmethod
    def find_distributions(context: Any = None) -> Iterable[_Distribution]:
        """onnxruntime's, where it is asked for."""
        name = getattr(context, "name", None)
        return [_Distribution()] if name in (None, "onnxruntime") else []


def as_onnxruntime() -> ModuleType:
    """Let `import onnxruntime` give jitrt in this process, and return that module.

    Calling again changes nothing. Modules that imported onnxruntime before keep it, of which a warning tells.
    """
    present = sys.modules.get("onnxruntime")
    if present is not None and getattr(present, "jitrt", None) is jitrt:
        return present
    if present is not None:
        warnings.warn(
            "onnxruntime was imported before jitrt.as_onnxruntime(); what has it keeps it", stacklevel=3
        )
        for name in [n for n in sys.modules if n == "onnxruntime" or n.startswith("onnxruntime.")]:
            del sys.modules[name]
    made = modules()
    sys.modules.update(made)
    sys.meta_path.insert(0, _Finder)
    return made["onnxruntime"]


def modules() -> dict[str, ModuleType]:
    """onnxruntime's modules that libraries import from, by name."""
    api = {name: getattr(jitrt, name) for name in jitrt.__all__ if name not in _OUR_OWN}
    api |= {
        "OrtEpAssignedNode": session_facts.OrtEpAssignedNode,
        "OrtEpAssignedSubgraph": session_facts.OrtEpAssignedSubgraph,
        "SessionIOBinding": iobinding.IOBinding,
    }
    raised = {name: kind for name, kind in vars(errors).items() if _is_error(kind)}
    functions = {
        "get_version_string": lambda: API_VERSION,
        "get_build_info": lambda: f"jitrt {jitrt.__version__}",
        "has_collective_ops": lambda: False,
        "print_debug_info": _print_debug_info,
        "register_execution_provider_library": _no_libraries,
        "unregister_execution_provider_library": _no_libraries,
        "set_global_thread_pool_sizes": _nothing,
        "set_seed": _nothing,
        "enable_telemetry_events": _nothing,
        "disable_telemetry_events": _nothing,
        "preload_dlls": _nothing,
    }
    about = {"package_name": "onnxruntime", "version": API_VERSION, "cuda_version": ""}
    native = {**api, **raised, **functions, "OrtValueVector": ortvalue.OrtValueVector}
    collection = {
        **api,
        "Session": session_facts.Session,
        "check_and_normalize_provider_args": _normalized_providers,
    }
    named = {
        "onnxruntime": {**api, **functions, **about, "__version__": API_VERSION, "jitrt": jitrt},
        "onnxruntime.backend": {},
        "onnxruntime.capi": {},
        "onnxruntime.capi.onnxruntime_pybind11_state": native,
        "onnxruntime.capi._pybind_state": native,
        "onnxruntime.capi.onnxruntime_inference_collection": collection,
        "onnxruntime.capi.onnxruntime_validation": about,
    }
    if not _installed_path():
        named["onnxruntime.transformers"] = {}
        named["onnxruntime.transformers.io_binding_helper"] = {"TypeHelper": TypeHelper}
    made = {name: _module(name, contents) for name, contents in named.items()}
    for name, module in made.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(made[parent], child, module)
    made["onnxruntime"].__path__ = _installed_path()
    made["onnxruntime"].onnxruntime_validation = made["onnxruntime.capi.onnxruntime_validation"]  # type: ignore[attr-defined]
    return made


def _installed_path() -> list[str]:
    """The folder of an installed onnxruntime: its tools in Python (quantization and others) run on jitrt."""
    spec = PathFinder.find_spec("onnxruntime")
    return list(spec.submodule_search_locations or []) if spec else []


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name, "jitrt under onnxruntime's name.")
    module.__spec__ = ModuleSpec(name, None, origin=jitrt.__file__, is_package=True)
    module.__path__ = []
    module.__file__ = jitrt.__file__

    def missing(attribute: str) -> Any:
        if name == "onnxruntime.backend":  # imports onnx
            return getattr(importlib.import_module("jitrt.backend"), attribute)
        raise AttributeError(f"module {name!r} (jitrt stands in for it) has no attribute {attribute!r}")

    vars(module).update(contents, __getattr__=missing)
    return module


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, JitrtError)


def _nothing(*arguments: Any, **keywords: Any) -> None:
    """Accepted: there is nothing of the kind to set up. Random operators get a seed from the model alone."""


def _print_debug_info() -> None:
    print(f"jitrt {jitrt.__version__}, {sys.executable}, providers {providers.get_available_providers()}")


def _no_libraries(name: str, path: str = "") -> None:
    raise errors.Fail(f"{name} ({path}): libraries of execution providers for onnxruntime do not run here")


def _normalized_providers(
    listed: Any, options: Any, available: Any
) -> tuple[list[str], list[dict[str, str]]]:
    found, asked = providers.choose_providers(listed, options), providers.normalized(listed, options)
    return list(found), [asked.get(name, {}) for name in found]
