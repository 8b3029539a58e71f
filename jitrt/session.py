"""`InferenceSession`: a loaded model behind onnxruntime's interface."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitrt import config, opdef, show
from jitrt.errors import EPFail, InvalidArgument
from jitrt.feeds import as_fed, unshared
from jitrt.graph import Graph, Model
from jitrt.load import load
from jitrt.load_operators import check_operators
from jitrt.metadata import NodeArg
from jitrt.options import GraphOptimizationLevel, SessionOptions
from jitrt.program import Context, Program
from jitrt.trace import InputSpec
from jitrt.types import STRING, TensorType

CPU = "CPUExecutionProvider"
_READY = 0x101  # ndarray.flags.num: C-contiguous and aligned


class InferenceSession:
    """Loads an ONNX model and runs it. Any number of threads may call `run` at once.

    `path_or_bytes` is a file's path or its contents. Raises NoSuchFile, InvalidProtobuf, InvalidGraph,
    InvalidArgument, NotImplemented or Fail for a model that cannot be used.
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self._providers = _choose_providers(providers)
        options = sess_options or SessionOptions()
        model = load(path_or_bytes)
        if config.settings.debug >= 3:
            show.write(show.graph_lines(model.graph))
        check_operators(model, lambda n: opdef.attributes_of(n.domain, n.op_type, n.version))
        self._model = model
        fused = options.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL
        self._context = Context(options.intra_op_num_threads, fused, _plain_outputs(model))
        self._specs = _input_specs(model)
        self._defaults = {name: model.graph.constants[name] for name in model.overridable}
        self._inputs = list(model.graph.inputs)
        self._outputs = list(model.graph.outputs)
        self._programs: dict[tuple[tuple[str, ...], tuple[str, ...]], Program] = {}
        self._usual: Program | None = None  # of all outputs from the inputs that must be given,
        self._fed = [(n, self._specs[n].dtype) for n in self._inputs]  # which are these, if all are tensors

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that a call must give."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the order in which `run(None, ...)` gives them."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._outputs]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default value in the model."""
        return [NodeArg.of(n, self._model.graph.types.get(n)) for n in self._defaults]

    def get_providers(self) -> list[str]:
        """Where the session runs."""
        return list(self._providers)

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None
    ) -> Any:
        """Compute the named outputs, or all of them for None or an empty list.

        Raises ValueError for a missing input, InvalidArgument for an unknown name, a wrong type, rank or
        dimension, and Fail where a node cannot compute its result.
        """
        program = self._usual
        if (
            program is not None
            and not output_names
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
        results = program.run(arrays)
        if program.may_share:
            results = unshared(results, arrays)
        if len(results) < len(output_names or ()):  # a name is there twice
            by_name = dict(zip(program.outputs, results, strict=True))
            results = unshared([by_name[n] for n in output_names or ()], [])
        return results

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

    def _program(self, wanted: tuple[str, ...], given: tuple[str, ...]) -> Program:
        graph = self._model.graph
        constants = {n: v for n, v in graph.constants.items() if n not in given}
        specs = {n: self._specs[n] for n in given}
        program = Program(graph.nodes, constants, specs, list(wanted), self._context)
        program = self._programs.setdefault((wanted, given), program)
        all_tensors = all(isinstance(graph.types.get(n), TensorType) for n in given)
        if list(wanted) == self._outputs and list(given) == self._inputs and all_tensors:
            self._usual = program
        return program

    def _check_names(self, output_names: Sequence[str] | None, feed: Mapping[str, Any]) -> None:
        given = feed.keys()
        missing = [n for n in self._inputs if n not in given]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed ({list(given)}).")
        for name in given:
            if name not in self._specs:
                raise InvalidArgument(f"Invalid input name: {name}")
        if isinstance(output_names, str):
            raise TypeError(f"run(): output_names is a list of names, got the string {output_names!r}")
        for name in output_names or ():
            if name not in self._outputs:
                raise InvalidArgument(f"Invalid output name:{name}")

    def __reduce__(self) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")


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


def _choose_providers(providers: Sequence[str | tuple[str, dict[str, Any]]] | None) -> list[str]:
    """The providers in force. Raises EPFail where only a GPU is asked for: its backend is not there yet."""
    listed = [providers] if isinstance(providers, str) else providers
    names = [p if isinstance(p, str) else p[0] for p in listed or [CPU]]
    if CPU in names:
        for name in names:
            if name != CPU:
                warnings.warn(f"{name} is not available in jitrt; the session runs on {CPU}", stacklevel=3)
        return [CPU]
    raise EPFail(f"{', '.join(names)} not available: jitrt runs on {CPU} so far; add it to the providers")
