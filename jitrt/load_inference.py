"""Types and shapes of a model's outputs, and faults that show without a run: found once and kept on disk.

Inference needs `onnx`, whose import takes longer than most models take to load. What it found is kept under a
digest of the model's skeleton, and a model that was loaded before is not inferred again.
"""

from __future__ import annotations

import marshal
import sys
import threading
from typing import Any

from jitrt import forks
from jitrt.codegen import cache as disk
from jitrt.digest import blake2b
from jitrt.graph import Model
from jitrt.load_graph import Changes
from jitrt.skeleton import skeleton
from jitrt.types import TensorType, from_onnx, to_onnx
from jitrt.version import __version__

_inferring = threading.RLock()  # held to import and to infer
forks.hold(_inferring)


def complete(model: Model, data: Any, changes: Changes) -> None:
    """Note the types and shapes of the model's outputs, from the bytes of its file.

    Raises InvalidGraph or Fail, with onnxruntime's messages, for what cannot be right in any run.
    """
    source = skeleton(data)
    model.skeleton = _digest(source, changes)
    key = f"inference 8 {__version__} {sys.implementation.cache_tag} {model.skeleton}"
    kept = disk.get(key)
    if kept is None:
        with _inferring:
            forks.import_logging()
            from jitrt.inference import infer  # imports onnx

            found = infer(model, source, changes)
        kept = marshal.dumps({name: _encoded(kind) for name, kind in found.items()})
        disk.put(key, kept)
    model.graph.types |= {name: _decoded(value) for name, value in marshal.loads(kept).items()}


def _digest(source: bytes, changes: Changes) -> str:
    digest = blake2b(source, digest_size=20)
    digest.update(repr((sorted(changes.dimensions.items()), sorted(changes.denoted.items()))).encode())
    return digest.hexdigest()


def _encoded(kind: TensorType | str) -> Any:
    return [to_onnx(kind.dtype), kind.shape] if isinstance(kind, TensorType) else kind


def _decoded(value: Any) -> TensorType | str:
    if isinstance(value, str):
        return value
    code, shape = value
    return TensorType(from_onnx(code), None if shape is None else tuple(shape))
