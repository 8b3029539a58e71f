"""`InferenceSession`: a loaded model behind onnxruntime's interface."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt import bridges, config, memory, show
from jitrt.enumerations import GraphOptimizationLevel
from jitrt.errors import InvalidArgument, JitrtError, ModelLoadCanceled
from jitrt.feeds import as_fed, input_specs, plain_outputs, unshared
from jitrt.graph import Graph
from jitrt.identity import Identity
from jitrt.iobinding import IOBinding
from jitrt.load import load
from jitrt.load_graph import Changes
from jitrt.load_operators import check_once, is_of_the_user
from jitrt.log import INFO, VERBOSE, Log
from jitrt.options import RunOptions, SessionOptions, check_run_options
from jitrt.ortvalue import OrtValue, OrtValueVector
from jitrt.program import Context, Program
from jitrt.providers import Provider, choose_providers
from jitrt.repeat import Repeats
from jitrt.session_facts import Session
from jitrt.trace_events import TraceEvents
from jitrt.types import STRING, TensorType

if TYPE_CHECKING:
    from jitrt.torch_module import TorchModule

Source = str | bytes | os.PathLike[str]
_READY = 0x101  # ndarray.flags.num: C-contiguous and aligned


class InferenceSession(Session):
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
        began, read_ns = time.perf_counter(), time.time_ns()
        if not isinstance(sess_options, SessionOptions | None):
            raise TypeError(f"InferenceSession(): sess_options is a SessionOptions, got {sess_options!r}")
        options = SessionOptions() if sess_options is None else sess_options.copied()
        if options.cancelled:
            raise ModelLoadCanceled("Session initialization canceled due to user request.")
        asked = providers if providers or not options.has_providers() else options.providers
        self._providers = choose_providers(asked, provider_options)
        self._source, self._options = path_or_bytes, options
        options.warn_of_the_meaningless()
        self._events = TraceEvents() if options.enable_profiling else None
        with _timed(self._events, "model_loading"):
            model = load(path_or_bytes, implemented=is_of_the_user, changes=_changes(options))
        if config.settings.debug >= 3:
            show.write(show.graph_lines(model.graph))
        check_once(model)
        if options.optimized_model_filepath:
            from jitrt.export import write  # imports onnx

            write(model, options.optimized_model_filepath)
        self._model = model
        self._describe()
        self._model_path = model.path or None
        self._model_bytes = path_or_bytes if isinstance(path_or_bytes, bytes) else None
        fused = options.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL
        self._context = Context(options.intra_op_num_threads, fused, plain_outputs(model))
        self._context.events = self._events
        self._context.flush_denormals = options.flag("session.set_denormal_as_zero")
        self._context.batch_invariant = options.flag("jitrt.batch_invariant")
        self._context.winograd = options.flag("jitrt.winograd", "1")
        self._context.parts_of_numbers = options.parts_of_numbers
        self._context.log = self._log = Log.of(options.log_severity_level, options.logid)
        self._specs = input_specs(model)
        self._identity = Identity(model, self._model_bytes, options, read_ns)
        self._defaults = {name: model.graph.constants[name] for name in model.overridable}
        types = model.graph.types
        self._inputs = list(model.graph.inputs)
        self._required = [n for n in self._inputs if not str(types.get(n)).startswith("optional(")]
        self._outputs = list(model.graph.outputs)
        self._programs: dict[tuple[tuple[str, ...], tuple[str, ...]], Program] = {}
        self._usual: dict[Any, Program] = {}  # by outputs, None for all, from the inputs that must be given,
        self._fed = [(n, self._specs[n].dtype) for n in self._inputs]  # which are these, if all are tensors
        self._repeats = Repeats(self._context, self._inputs)
        self._trims = options.flag("jitrt.shrink_arena")
        self._keeps_arena = options.enable_cpu_mem_arena and not self._trims
        is_logged = self._events is not None or self._log.says(VERBOSE)
        self._is_plain = self._keeps_arena and not is_logged  # nothing to do around a run
        self._own = {*vars(self), "_own"}
        if self._log.says(INFO):
            what = f"{model.path or 'a model in memory'}: {len(model.graph.nodes)} nodes"
            where = f"{', '.join(self._providers)}, {self._context.threads} threads"
            took = 1e3 * (time.perf_counter() - began)
            self._log.add(INFO, f"session of {what} on {where}, made in {took:.1f} ms")

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
        if run_options is None:
            repeated = self._repeats.run(output_names, input_feed)
            if repeated is not None:
                return repeated
        names: Any = output_names
        if names is not None and names.__class__ is not str:
            names = tuple(names)
        program = self._usual.get(names)
        if (
            program is not None
            and run_options is None
            and input_feed.__class__ is dict
            and len(input_feed) == len(self._fed)
        ):
            arrays = []
            for name, dtype in self._fed:
                value = input_feed.get(name)
                if value.__class__ is not np.ndarray:
                    break
                if value.dtype is not dtype and value.dtype != dtype:  # unpickled arrays have their own
                    if dtype is not STRING or value.dtype.kind != "U":
                        break
                    value = value.astype(object)
                if value.flags.num & _READY != _READY:
                    break
                arrays.append(value)
            else:
                results = program.run(arrays, tuple([array.shape for array in arrays]))
                if program.may_share:
                    return unshared(results, arrays)
                self._repeats.note(names, program, arrays)
                return results
        program, arrays = self.prepare(names, input_feed)
        results = self._run(program, arrays, run_options)
        if program.may_share:
            results = unshared(results, arrays)
        asked = names or self._outputs
        if len(results) < len(asked):  # a name is there twice
            by_name = dict(zip(program.outputs, results, strict=True))
            results = unshared([by_name[n] for n in asked], [])
        return results

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """As `run`, from OrtValues to OrtValues."""
        types = self._model.graph.types
        results = self.run(output_names, input_dict_ort_values, run_options)
        declared = [types.get(name) for name in output_names or self._outputs]
        return [
            OrtValue(value, kind if isinstance(kind, str) and not kind.startswith("optional") else "")
            for value, kind in zip(results, declared, strict=True)
        ]

    def io_binding(self) -> IOBinding:
        """What `run_with_iobinding` takes."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Compute what is bound, from what is bound. Raises RuntimeError where that fails."""
        if iobinding.session is not self:
            raise ValueError("IOBinding must be used with the session that created it.")
        failed = "Error in execution: "
        missing = [n for n in self._required if n not in iobinding.inputs]
        if missing:
            raise RuntimeError(f"{failed}Missing Input: {', '.join(missing)}")
        if not iobinding.targets:
            raise RuntimeError(f"{failed}At least one output should be requested.")
        try:
            program, arrays = self.prepare(list(iobinding.targets), iobinding.inputs)
            results = self._run(program, arrays, run_options, list(iobinding.targets.values()))
        except JitrtError as error:
            raise RuntimeError(failed + error.message) from error
        iobinding.deliver(unshared(results, arrays) if program.may_share else results)

    def run_with_ortvaluevector(
        self,
        run_options: RunOptions | None,
        feed_names: Sequence[str],
        feeds: Sequence[OrtValue],
        fetch_names: Sequence[str],
        fetches: OrtValueVector,
        fetch_devices: Sequence[Any],
    ) -> None:
        """As `run_with_ort_values`; the results go into `fetches`."""
        feed = dict(zip(feed_names, feeds, strict=True))
        fetches[:] = self.run_with_ort_values(list(fetch_names), feed, run_options)

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[Any, Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """As `run` on another thread, which calls `callback(results, user_data, error)`.

        With an error, results are empty. Raises ValueError for a missing input at once.
        """
        self._check_given(input_feed)
        check_run_options(run_options)
        if not callable(callback):
            raise TypeError(f"run_async(): callback is a function, got {callback!r}")

        def compute() -> None:
            try:
                results, error = self.run(output_names, input_feed, run_options), ""
            except Exception as failure:
                results, error = [], getattr(failure, "message", str(failure))
            callback(results, user_data, error)

        threading.Thread(target=compute, name="jitrt run_async").start()

    # in other frameworks

    def as_torch_module(self) -> TorchModule:
        """A `torch.nn.Module` that runs the session on tensors. Raises ImportError without PyTorch."""
        from jitrt.torch_module import TorchModule  # imports torch

        return TorchModule(self)

    def as_jax_function(self) -> Callable[..., Any]:
        """A function from arrays of JAX to an array, or a tuple of them; under `jax.jit`, a callback.

        Its arguments are the session's inputs, in their order or by name. Where JAX has no int64 and no
        float64, int32 and float32 stand for them. Under `jax.jit`, outputs have the shapes that they have for
        inputs of zeros; JAX raises where a call's differ, and for gradients. Raises ImportError without JAX,
        TypeError for a model of sequences or maps.
        """
        return bridges.as_jax_function(self)

    def as_tensorflow_function(self) -> Callable[..., Any]:
        """A function from tensors of TensorFlow to a tensor, or a tuple of them, eagerly or in a graph.

        Its arguments are the session's inputs, in their order or by name. It has no gradients. Raises
        ImportError without TensorFlow, TypeError for a model of sequences or maps.
        """
        return bridges.as_tensorflow_function(self)

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
        absent = [n for n in self._inputs if n not in feed]  # which are optional
        feed = {**feed, **dict.fromkeys(absent)} if absent else feed
        given = tuple(n for n in self._specs if n in feed)
        wanted = tuple(dict.fromkeys(output_names or self._outputs))
        if not wanted:
            raise InvalidArgument("At least one output should be requested.")
        arrays = [as_fed(n, feed[n], self._model.graph.types.get(n)) for n in given]
        return self._programs.get((wanted, given)) or self._program(wanted, given), arrays

    def _run(
        self,
        program: Program,
        arrays: list[Any],
        options: RunOptions | None,
        targets: list[Any] | None = None,
    ) -> list[Any]:
        """Run a program under the options of a run and of the session; see `Table.run` for the targets."""
        check_run_options(options)
        context, thread = self._context, threading.get_ident()
        outer = context.running.get(thread)
        if options is not None:
            context.running[thread] = options
        began = time.perf_counter()
        try:
            with _timed(self._events, "model_run"):
                results = program.run(arrays, targets=targets)
        finally:
            if options is not None:
                if outer is None:
                    del context.running[thread]
                else:
                    context.running[thread] = outer
        trims = self._trims or (options is not None and options.shrinks_arena)
        if trims or not self._keeps_arena:
            context.shrink()
            self._repeats.forget()
        if trims:
            memory.trim()
        log = self._log if options is None else self._log.of_run(options.log_severity_level, options.logid)
        if log.says(VERBOSE):
            took = 1e6 * (time.perf_counter() - began)
            log.add(VERBOSE, f"{', '.join(program.outputs)} computed in {took:.0f} us")
        return results

    def _program(self, wanted: tuple[str, ...], given: tuple[str, ...]) -> Program:
        graph = self._model.graph
        constants = {n: v for n, v in graph.constants.items() if n not in given}
        specs = {n: self._specs[n] for n in given}
        key = self._identity.text and f"{self._identity.text}|{specs}"
        program = Program(graph.nodes, constants, specs, list(wanted), self._context, key)
        program = self._programs.setdefault((wanted, given), program)
        all_tensors = all(isinstance(graph.types.get(n), TensorType) for n in given)
        if list(given) == self._inputs and all_tensors and self._is_plain:
            self._usual[wanted] = program
            if list(wanted) == self._outputs:
                self._usual[None] = self._usual[()] = program
        return program

    def _check_given(self, feed: Mapping[str, Any]) -> None:
        given = feed.keys()
        missing = [n for n in self._required if n not in given]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed ({list(given)}).")

    def _check_names(self, output_names: Sequence[str] | None, feed: Mapping[str, Any]) -> None:
        self._check_given(feed)
        for name in feed:
            if name not in self._specs:
                raise InvalidArgument(f"Invalid input name: {name}")
        if isinstance(output_names, str):
            raise TypeError(f"run(): output_names is a list of names, got the string {output_names!r}")
        for name in output_names or ():
            if not isinstance(name, str):
                raise TypeError(f"run(): output_names is a list of names, it holds {name!r}")
            if name not in self._outputs and not self.has_value(name):
                raise InvalidArgument(f"Invalid output name:{name}")

    def has_value(self, name: str) -> bool:
        """Whether the graph has a value of the name, which may be asked for as an output."""
        graph = self._model.graph
        known = name in graph.constants or name in graph.inputs
        return bool(name) and (known or any(name in node.outputs for node in graph.nodes))

    # copies

    def __getstate__(self) -> dict[str, Any]:
        from jitrt.user_operator import modules_of

        return {
            "arguments": (self._source, self._options, list(self._providers.items())),
            "added": {name: value for name, value in vars(self).items() if name not in self._own},
            "modules": modules_of(self._model.graph),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for module in state["modules"]:
            importlib.import_module(module)
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


def _changes(options: SessionOptions) -> Changes:
    arrays = {
        name: value.value if isinstance(value, OrtValue) else np.asarray(value)
        for name, value in options.initializers.items()
    }
    return Changes(options.dimensions, options.denoted, arrays, options.files)
