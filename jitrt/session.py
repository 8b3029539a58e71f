"""`InferenceSession`: a loaded model behind onnxruntime's interface."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitrt import config, opdef, show
from jitrt.errors import EPFail, InvalidArgument
from jitrt.graph import Graph, Model
from jitrt.load import load
from jitrt.load_operators import check_operators
from jitrt.options import NodeArg, SessionOptions
from jitrt.program import Context, Program
from jitrt.trace import InputSpec
from jitrt.types import BF16, STRING, TensorType, ort_name

CPU = "CPUExecutionProvider"


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
        self._context = Context(options.intra_op_num_threads)
        self._specs = _input_specs(model)
        self._defaults = {name: model.graph.constants[name] for name in model.overridable}
        self._inputs = [n for n in model.graph.inputs if n not in self._defaults]
        self._types = [model.graph.types.get(n) for n in self._inputs]
        self._outputs = list(model.graph.outputs)
        self._programs: dict[tuple[tuple[str, ...], tuple[str, ...]], Program] = {}
        self._dtypes = [t.dtype if isinstance(t, TensorType) else None for t in self._types]

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

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None) -> Any:
        """Compute the named outputs, or all of them for None or an empty list.

        Raises ValueError for a missing input, InvalidArgument for an unknown name, a wrong type, rank or
        dimension, and Fail where a node cannot compute its result.
        """
        program = self._programs.get((_ALL, _ALL)) if not output_names and len(input_feed) == len(self._inputs) else None
        arrays = []
        if program is not None:
            try:
                for name, dtype, spec in self._plan_inputs:
                    value = input_feed[name]
                    if type(value) is not np.ndarray or value.dtype != dtype or not value.flags.c_contiguous:
                        value = self._convert(name, value)
                    if value.ndim != len(spec):
                        self._check_shape(name, value.shape)
                    for size, expected in zip(value.shape, spec, strict=True):
                        if expected is not None and size != expected:
                            self._check_shape(name, value.shape)
                    arrays.append(value)
            except KeyError:
                self._check_names(output_names, input_feed)
        else:
            program, arrays = self.prepare(output_names, input_feed)
        return [r.copy() if any(r is a for a in arrays) else r for r in program.run(arrays)]

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
        given = tuple(n for n in self._model.graph.inputs if n in feed)
        wanted = tuple(output_names or self._outputs)
        arrays = []
        for name in given:
            value = self._convert(name, feed[name])
            self._check_shape(name, value.shape)
            arrays.append(value)
        program = self._programs.get((wanted, given))
        if program is None:
            program = self._program(wanted, given)
        return program, arrays

    def _program(self, wanted: tuple[str, ...], given: tuple[str, ...]) -> Program:
        graph = self._model.graph
        constants = {n: v for n, v in graph.constants.items() if n not in given}
        specs = {n: self._specs[n] for n in given}
        program = Program(graph.nodes, constants, specs, list(wanted), self._context)
        self._programs[wanted, given] = program
        if list(wanted) == self._outputs and list(given) == self._inputs:
            self._plan_inputs = [(n, self._specs[n].dtype, self._specs[n].sizes or ()) for n in given]
            if not any(s.dtype == STRING for s in specs.values()):
                self._programs[_ALL, _ALL] = program
        return program

    def _check_names(self, output_names: Sequence[str] | None, feed: Mapping[str, Any]) -> None:
        missing = [n for n in self._inputs if n not in feed]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed ({list(feed)}).")
        known = set(self._model.graph.inputs)
        for name in feed:
            if name not in known:
                raise InvalidArgument(f"Invalid input name: {name}")
        if isinstance(output_names, str):
            raise TypeError(f"run(): output_names is a list of names, got the string {output_names!r}")
        for name in output_names or ():
            if name not in self._outputs:
                raise InvalidArgument(f"Invalid output name:{name}")

    def _convert(self, name: str, value: Any) -> Any:
        """The fed value as a C-contiguous array in native byte order. Raises for a wrong type."""
        if not isinstance(value, (np.ndarray, list, tuple)):
            if not hasattr(value, "__array_interface__") and not hasattr(value, "__dlpack__"):
                raise RuntimeError(f"Unable to handle object of type {type(value)}")
            value = np.from_dlpack(value) if hasattr(value, "__dlpack__") else np.asarray(value)
        declared = self._model.graph.types.get(name)
        if not isinstance(declared, TensorType):
            return value
        array = np.asarray(value) if isinstance(value, np.ndarray) else np.asarray(value, declared.dtype)
        if array.dtype.kind in "US" and declared.dtype == STRING:
            array = array.astype(object)
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        if array.dtype != declared.dtype and not (declared.dtype == BF16 and array.dtype == np.uint16):
            kind = "tensor(string)" if array.dtype.kind in "OUS" else _type_name(array.dtype)
            expected = ort_name(declared.dtype)
            raise InvalidArgument(f"Unexpected input data type. Actual: ({kind}) , expected: ({expected})")
        if array.dtype != declared.dtype:
            array = array.view(declared.dtype)
        return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        declared = self._model.graph.types.get(name)
        if not isinstance(declared, TensorType) or declared.shape is None:
            return
        please = "Please fix either the inputs/outputs or the model."
        if len(shape) != len(declared.shape):
            got = f"Got: {len(shape)} Expected: {len(declared.shape)}"
            raise InvalidArgument(f"Invalid rank for input: {name} {got} {please}")
        wrong = [
            f" index: {i} Got: {size} Expected: {expected}\n"
            for i, (size, expected) in enumerate(zip(shape, declared.shape, strict=True))
            if isinstance(expected, int) and size != expected
        ]
        if wrong:
            message = f"Got invalid dimensions for input: {name} for the following indices\n{''.join(wrong)} {please}"
            raise InvalidArgument(message)


_ALL = ("",)


def _type_name(dtype: np.dtype[Any]) -> str:
    try:
        return ort_name(dtype)
    except KeyError:
        raise RuntimeError(f"Numpy_type {dtype.num} can't be converted to MLDataType.") from None


def _input_specs(model: Model) -> dict[str, InputSpec]:
    specs = {}
    for name in model.graph.inputs:
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
    names = [p if isinstance(p, str) else p[0] for p in providers or [CPU]]
    if CPU in names:
        for name in names:
            if name != CPU:
                warnings.warn(f"{name} is not available in jitrt; the session runs on {CPU}", stacklevel=3)
        return [CPU]
    raise EPFail(f"{', '.join(names)} not available: jitrt runs on {CPU} so far; add it to the providers")
