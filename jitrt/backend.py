"""ONNX's backend interface: `prepare`, `run_model`, `run_node`, `supports_device`.

https://onnx.ai/onnx/api/backend.html; onnx's own conformance suite runs through it. Imports `onnx`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, defs, helper
from onnx.backend.base import Backend, BackendRep

from jitrt.errors import JitrtError
from jitrt.session import InferenceSession


class JitrtBackendRep(BackendRep):  # type: ignore[misc]
    """A prepared model."""

    def __init__(self, session: InferenceSession) -> None:
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for inputs by name, in the order of the model's inputs, or the only one.

        Raises what `InferenceSession.run` does.
        """
        if not isinstance(inputs, (Mapping, list, tuple)):
            inputs = [inputs]
        if not isinstance(inputs, Mapping):
            names = [i.name for i in self.session.get_inputs()]
            names += [i.name for i in self.session.get_overridable_initializers()]
            inputs = dict(zip(names, inputs, strict=False))
        feed = {n: np.asarray(x) if isinstance(x, np.generic) else x for n, x in inputs.items()}
        return tuple(self.session.run(None, feed))


class JitrtBackend(Backend):  # type: ignore[misc]
    """Runs models on the CPU."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models run on `device`, such as "CPU"."""
        return device.partition(":")[0] == "CPU"

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model loads: every operator of it is there."""
        if not cls.supports_device(device):
            return False
        try:
            cls.prepare(model, device, **kwargs)
        except JitrtError:
            return False
        return True

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **kwargs: Any) -> BackendRep:
        """Load a ModelProto, a file by its path, or its bytes; keywords are those of `InferenceSession`.

        Raises RuntimeError for a device that is not supported, and what `InferenceSession` raises.
        """
        if not cls.supports_device(device):
            raise RuntimeError(f"Incompatible device {device!r}: jitrt runs models on CPU")
        if isinstance(model, JitrtBackendRep):
            return model
        if isinstance(model, InferenceSession):
            return JitrtBackendRep(model)
        source = model.SerializeToString() if isinstance(model, ModelProto) else model
        if not isinstance(source, bytes):
            source = os.fspath(source)
        return JitrtBackendRep(InferenceSession(source, **kwargs))

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """Load a model and run it once."""
        outputs: tuple[Any, ...] = cls.prepare(model, device, **kwargs).run(inputs)
        return outputs

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Run one node, of the newest opset version or `opset_version`, on arrays by name or in order."""
        named = isinstance(inputs, Mapping)
        names = [name for name in dict.fromkeys(node.input) if name]
        feed = {n: np.asarray(x) for n, x in (inputs.items() if named else zip(names, inputs, strict=True))}
        graph = helper.make_graph(
            [node],
            node.op_type,
            [
                helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
                for n, x in feed.items()
            ],
            [ValueInfoProto(name=name) for name in node.output if name],
        )
        version = kwargs.pop("opset_version", None) or _newest_version(node.domain)
        opsets = [helper.make_opsetid(node.domain, version)]
        return cls.run_model(helper.make_model(graph, opset_imports=opsets), feed, device, **kwargs)


def _newest_version(domain: str) -> int:
    versions = [s.since_version for s in defs.get_all_schemas() if s.domain == domain]
    return max(versions, default=1)


is_compatible = JitrtBackend.is_compatible
prepare = JitrtBackend.prepare
run_model = JitrtBackend.run_model
run_node = JitrtBackend.run_node
supports_device = JitrtBackend.supports_device
