"""What a session tells of itself, under onnxruntime's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from jitrt.errors import Fail
from jitrt.graph import Model
from jitrt.metadata import ModelMetadata, NodeArg
from jitrt.options import RECORD_ASSIGNMENT, SessionOptions
from jitrt.ortvalue import OrtValue
from jitrt.program import Context
from jitrt.providers import Provider, choose_providers
from jitrt.trace_events import TraceEvents

if TYPE_CHECKING:
    from jitrt.devices import OrtEpDevice, OrtMemoryInfo


class OrtEpAssignedNode(NamedTuple):
    """A node of the model."""

    name: str
    domain: str
    op_type: str


class OrtEpAssignedSubgraph(NamedTuple):
    """The nodes that an execution provider runs."""

    ep_name: str
    nodes: list[OrtEpAssignedNode]

    def get_nodes(self) -> list[OrtEpAssignedNode]:
        """The nodes, in the order of the file."""
        return list(self.nodes)


class Session:
    """The base of `InferenceSession`: its model, options, providers and profile."""

    _model: Model
    _options: SessionOptions
    _providers: dict[str, dict[str, str]]
    _events: TraceEvents | None
    _context: Context
    _inputs_meta: list[NodeArg]
    _outputs_meta: list[NodeArg]
    _overridable_initializers: list[NodeArg]
    _model_meta: ModelMetadata

    def _describe(self) -> None:
        """Note what there is to tell of the model."""
        types, shapes, graph = self._model.graph.types, self._model.optional_shapes, self._model.graph

        def described(names: Iterable[str]) -> list[NodeArg]:
            return [NodeArg(name, types.get(name), shapes.get(name, ())) for name in names]

        self._inputs_meta, self._outputs_meta = described(graph.inputs), described(graph.outputs)
        self._overridable_initializers = described(self._model.overridable)
        self._model_meta = ModelMetadata.of(self._model.metadata)

    @property
    def _sess(self) -> Self:
        """Itself: libraries ask for the session of onnxruntime's C++ class."""
        return self

    @property
    def _sess_options(self) -> SessionOptions:
        return self._options

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that a call must give."""
        return self._inputs_meta

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the order in which `run(None, ...)` gives them."""
        return self._outputs_meta

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default value in the model."""
        return self._overridable_initializers

    def get_modelmeta(self) -> ModelMetadata:
        """What the model's file says of itself."""
        return self._model_meta

    def get_session_options(self) -> SessionOptions:
        """The options that the session was made with."""
        return self._options

    def get_providers(self) -> list[str]:
        """Where the session runs."""
        return list(self._providers)

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """The options of each provider in force."""
        return {name: dict(values) for name, values in self._providers.items()}

    def set_providers(
        self,
        providers: str | Sequence[Provider] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """Run elsewhere from now on. Raises as the constructor does, and changes nothing then."""
        self._providers = choose_providers(providers, provider_options)

    def disable_fallback(self) -> None:
        """Nothing to disable: a session never runs elsewhere than its user allowed."""

    def enable_fallback(self) -> None:
        """Nothing to enable: to allow the CPU, add its provider to the list."""

    def get_input_memory_infos(self) -> list[OrtMemoryInfo]:
        """Where each input is read."""
        from jitrt.devices import HOST_MEMORY

        return [HOST_MEMORY for _ in self._inputs_meta]

    def get_output_memory_infos(self) -> list[OrtMemoryInfo]:
        """Where each output is written."""
        from jitrt.devices import HOST_MEMORY

        return [HOST_MEMORY for _ in self._outputs_meta]

    def get_input_epdevices(self) -> list[OrtEpDevice]:
        """The device that reads each input."""
        from jitrt.devices import get_ep_devices

        (device,) = get_ep_devices()
        return [device for _ in self._inputs_meta]

    def get_provider_graph_assignment_info(self) -> list[OrtEpAssignedSubgraph]:
        """The nodes that each provider runs. Raises Fail without the configuration entry for it."""
        if not self._options.flag(RECORD_ASSIGNMENT):
            raise Fail(
                f"Session configuration entry '{RECORD_ASSIGNMENT}' must be set to \"1\" to retrieve "
                "EP graph assignment information."
            )
        nodes = [OrtEpAssignedNode(n.name, n.domain, n.op_type) for n in self._model.graph.nodes]
        return [OrtEpAssignedSubgraph(next(iter(self._providers)), nodes)]

    def get_tuning_results(self) -> list[dict[str, Any]]:
        """Empty: no provider here chooses kernels by timing them."""
        return []

    def set_tuning_results(self, results: Sequence[Any], *, error_on_invalid: bool = False) -> None:
        """Nothing to set, see `get_tuning_results`."""

    def set_ep_dynamic_options(self, options: Mapping[str, str]) -> None:
        """No provider here has options that change between runs."""

    def release_captured_graph(self, graph_annotation_id: int = 0) -> None:
        """Nothing to release: runs on the CPU are not captured."""

    def create_ortvalue_from_shape_and_type(
        self,
        shape: Sequence[int],
        element_type: Any,
        device_type: str,
        device_id: int = 0,
        vendor_id: int = -1,
    ) -> OrtValue:
        """As `OrtValue.ortvalue_from_shape_and_type`."""
        return OrtValue.ortvalue_from_shape_and_type(shape, element_type, device_type, device_id, vendor_id)

    def end_profiling(self) -> str:
        """End profiling: write what was profiled to a file, and return its name; "" without profiling."""
        if self._events is None:
            return ""
        path = self._events.write(self._options.profile_file_prefix)
        self._context.events = None
        self._context.shrink()  # arenas measure what they run
        return path

    def get_profiling_start_time_ns(self) -> int:
        """When profiling began, by `time.monotonic_ns()`; 0 without it."""
        return 0 if self._events is None else self._events.start_ns
