"""`InferenceSession`: a loaded model behind onnxruntime's interface."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from jitrt import config, opdef, show
from jitrt.errors import Fail, InvalidArgument
from jitrt.feeds import as_fed, unshared
from jitrt.graph import Graph, Model, Node
from jitrt.iobinding import IOBinding
from jitrt.load import load
from jitrt.load_graph import Changes
from jitrt.load_operators import ONNX_DOMAINS, check_operators
from jitrt.metadata import ModelMetadata, NodeArg
from jitrt.options import GraphOptimizationLevel, RunOptions, SessionOptions
from jitrt.ortvalue import OrtValue
from jitrt.program import Context, Program
from jitrt.providers import Provider, choose_providers
from jitrt.trace import InputSpec
from jitrt.trace_events import TraceEvents
from jitrt.types import STRING, TensorType

Source = str | bytes | os.PathLike[str]
_READY = 0x101  # ndarray.flags.num: C-contiguous and aligned


class InferenceSession:
    """Loads an ONNX model and runs it. Any number of threads may call `run` at once.

    `path_or_bytes` is a file's path or its contents. A session pickles, to be made anew from the same file or
    bytes; a copy shares everything with the original. Raises NoSuchFile, InvalidProtobuf, InvalidGraph,
    InvalidArgument, NotImplemented or Fail for a model that cannot be used, EPFail where no provider that is
    asked for is there.
    """

    def __init__(
        self,
        path_or_bytes: Source,
        sess_options: SessionOptions | None = None,
        providers: str | Sequence[Provider] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        options = copy.deepcopy(sess_options) if sess_options is not None else SessionOptions()
        asked = providers if providers or not options.has_providers() else options.providers
        self._providers = choose_providers(asked, provider_options)
        self._source, self._options = path_or_bytes, options
        options.warn_of_the_meaningless()
        self._events = TraceEvents() if options.enable_profiling else None
        with _timed(self._events, "model_loading"):
            model = load(path_or_bytes, implemented=_is_of_the_user, changes=_changes(options))
        if config.settings.debug >= 3:
            show.write(show.graph_lines(model.graph))
        check_operators(model, lambda n: opdef.attributes_of(n.domain, n.op_type, n.version))
        if options.optimized_model_filepath:
            from jitrt.export import to_model_proto  # imports onnx

            Path(options.optimized_model_filepath).write_bytes(to_model_proto(model).SerializeToString())
        self._model = model
        self._model_path = model.path or None
        fused = options.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL
        self._context = Context(options.intra_op_num_threads, fused, _plain_outputs(model))
        self._context.events = self._events
        self._context.flush_denormals = options.flag("session.set_denormal_as_zero")
        self._specs = _input_specs(model)
        self._defaults = {name: model.graph.constants[name] for name in model.overridable}
        types = model.graph.types
        self._inputs = list(model.graph.inputs)
        self._required = [n for n in self._inputs if not str(types.get(n)).startswith("optional(")]
        self._outputs = list(model.graph.outputs)
        self._programs: dict[tuple[tuple[str, ...], tuple[str, ...]], Program] = {}
        self._usual: Program | None = None  # of all outputs from the inputs that must be given,
        self._fed = [(n, self._specs[n].dtype) for n in self._inputs]  # which are these, if all are tensors
        self._keeps_arena = options.enable_cpu_mem_arena and not options.flag("jitrt.shrink_arena")
        self._is_plain = self._keeps_arena and self._events is None  # nothing to do around a run
        self._own = {*vars(self), "_own"}

    # what it is

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that a call must give."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the order in which `run(None, ...)` gives them."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._outputs]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default value in the model."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._defaults]

    def get_modelmeta(self) -> ModelMetadata:
        """What the model's file says of itself."""
        return ModelMetadata.of(self._model.metadata)

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

    # running

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> Any:
        """Compute the named outputs, or all of them for None or an empty list.

        Every value of the graph may be named. Raises ValueError for a missing input, InvalidArgument for an
        unknown name, a wrong type, rank or dimension, and Fail where a node cannot compute its result.
        """
        program = self._usual
        if (
            program is not None
            and not output_names
            and run_options is None
            and input_feed.__class__ is dict
            and len(input_feed) == len(self._fed)
        ):
            arrays, shapes = [], []
            for name, dtype in self._fed:
                value = input_feed.get(name)
                if (
                    value.__class__ is not np.ndarray
                    or value.dtype is not dtype
                    or value.flags.num & _READY != _READY
                ):
                    break
                arrays.append(value)
                shapes.append(value.shape)
            else:
                results = program.run(arrays, tuple(shapes))
                return unshared(results, arrays) if program.may_share else results
        program, arrays = self.prepare(output_names, input_feed)
        results = self._run(program, arrays, run_options)
        if program.may_share:
            results = unshared(results, arrays)
        if len(results) < len(output_names or ()):  # a name is there twice
            by_name = dict(zip(program.outputs, results, strict=True))
            results = unshared([by_name[n] for n in output_names or ()], [])
        return results

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """As `run`, from OrtValues to OrtValues."""
        return list(map(OrtValue, self.run(output_names, input_dict_ort_values, run_options)))

    def io_binding(self) -> IOBinding:
        """What `run_with_iobinding` takes."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Compute what is bound, from what is bound."""
        missing = [n for n in self._required if n not in iobinding.inputs]
        if missing:
            raise RuntimeError(f"Error in execution: Missing Input: {', '.join(missing)}")
        names = iobinding.output_names
        iobinding.deliver(self.run(names, iobinding.inputs, run_options) if names else [])

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[Any, Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """As `run` on another thread, which calls `callback(results, user_data, error)`.

        With an error, results are empty. Raises for wrong names and inputs at once, as `run` does.
        """
        self.prepare(output_names, input_feed)

        def compute() -> None:
            try:
                results, error = self.run(output_names, input_feed, run_options), ""
            except Exception as failure:
                results, error = [], str(failure)
            callback(results, user_data, error)

        threading.Thread(target=compute, name="jitrt run_async").start()

    def end_profiling(self) -> str:
        """Write what was profiled so far to a file, and return its name. Raises Fail without profiling."""
        if self._events is None:
            raise Fail("end_profiling: the session was made without SessionOptions.enable_profiling")
        return self._events.write(self._options.profile_file_prefix)

    def get_profiling_start_time_ns(self) -> int:
        """When profiling began, by `time.monotonic_ns()`; 0 without it."""
        return 0 if self._events is None else self._events.start_ns

    # the less common ways into a run

    @property
    def graph(self) -> Graph:
        """The model's graph, as loaded."""
        return self._model.graph

    def prepare(
        self, output_names: Sequence[str] | None, feed: Mapping[str, Any]
    ) -> tuple[Program, list[Any]]:
        """What `run` runs: a program, and the fed values as arrays in its order. Raises as `run` does."""
        self._check_names(output_names, feed)
        given = tuple(n for n in self._specs if n in feed)
        wanted = tuple(dict.fromkeys(output_names or self._outputs))
        arrays = [as_fed(n, feed[n], self._model.graph.types.get(n)) for n in given]
        return self._programs.get((wanted, given)) or self._program(wanted, given), arrays

    def _run(self, program: Program, arrays: list[Any], options: RunOptions | None) -> list[Any]:
        """Run a program under the options of a run and of the session."""
        context, thread = self._context, threading.get_ident()
        outer = context.running.get(thread)
        if options is not None:
            context.running[thread] = options
        try:
            with _timed(self._events, "model_run"):
                results = program.run(arrays)
        finally:
            if options is not None:
                if outer is None:
                    del context.running[thread]
                else:
                    context.running[thread] = outer
        if not self._keeps_arena or (options is not None and options.shrinks_arena):
            context.shrink()
        return results

    def _program(self, wanted: tuple[str, ...], given: tuple[str, ...]) -> Program:
        graph = self._model.graph
        constants = {n: v for n, v in graph.constants.items() if n not in given}
        specs = {n: self._specs[n] for n in given}
        program = Program(graph.nodes, constants, specs, list(wanted), self._context)
        program = self._programs.setdefault((wanted, given), program)
        all_tensors = all(isinstance(graph.types.get(n), TensorType) for n in given)
        usual = list(wanted) == self._outputs and list(given) == self._inputs
        if usual and all_tensors and self._is_plain:
            self._usual = program
        return program

    def _check_names(self, output_names: Sequence[str] | None, feed: Mapping[str, Any]) -> None:
        given = feed.keys()
        missing = [n for n in self._required if n not in given]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed ({list(given)}).")
        for name in given:
            if name not in self._specs:
                raise InvalidArgument(f"Invalid input name: {name}")
        if isinstance(output_names, str):
            raise TypeError(f"run(): output_names is a list of names, got the string {output_names!r}")
        for name in output_names or ():
            if name not in self._outputs and name not in self._values():
                raise InvalidArgument(f"Invalid output name:{name}")

    def _values(self) -> set[str]:
        """The names of all values of the graph."""
        graph = self._model.graph
        computed = (name for node in graph.nodes for name in node.outputs)
        return {*graph.inputs, *graph.constants, *computed} - {""}

    # copies

    def __getstate__(self) -> dict[str, Any]:
        added = {name: value for name, value in vars(self).items() if name not in self._own}
        return {
            "arguments": (self._source, self._options, list(self._providers.items())),
            "added": added,  # by a subclass
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        InferenceSession.__init__(self, *state["arguments"])
        vars(self).update(state["added"])

    def __copy__(self) -> InferenceSession:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> InferenceSession:
        return self.__copy__()


def _timed(events: TraceEvents | None, name: str) -> AbstractContextManager[None]:
    return nullcontext() if events is None else events.session(name)


def _is_of_the_user(node: Node) -> bool:
    """Whether an operator of @jitrt.op goes before a function of the model."""
    known = opdef.lookup(node.domain, node.op_type, node.version)
    return known is not None and node.domain not in (*ONNX_DOMAINS, "com.microsoft")


def _changes(options: SessionOptions) -> Changes:
    arrays = {
        name: value.value if isinstance(value, OrtValue) else np.asarray(value)
        for name, value in options.initializers.items()
    }
    return Changes(options.dimensions, options.denoted, arrays)


def _plain_outputs(model: Model) -> list[str]:
    """Outputs that are maps or sequences of maps."""
    types = model.graph.types
    return [n for n in model.graph.outputs if str(types.get(n)).startswith(("map(", "seq(map("))]


def _input_specs(model: Model) -> dict[str, InputSpec]:
    specs = {}
    for name in (*model.graph.inputs, *model.overridable):
        declared = model.graph.types.get(name)
        if isinstance(declared, TensorType):
            shape = declared.shape
            sizes = None if shape is None else tuple(d if isinstance(d, int) else None for d in shape)
            specs[name] = InputSpec(declared.dtype, sizes)
        else:
            specs[name] = InputSpec(STRING, None)
    return specs
