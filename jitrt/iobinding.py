"""Inputs and outputs of runs bound to memory beforehand, under onnxruntime's names.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.ortvalue import OrtValue, OrtValueVector, check_is_host
from jitrt.types import element_type as dtype_of
from jitrt.types import format_type, ort_name

if TYPE_CHECKING:
    from jitrt.session import InferenceSession

Array = np.ndarray[Any, Any]


class IOBinding:
    """What a session's `run_with_iobinding` reads and where it writes."""

    def __init__(self, session: InferenceSession) -> None:
        self.session = session
        self._names = [a.name for a in session.get_inputs()], [a.name for a in session.get_outputs()]
        self._inputs: dict[str, Any] = {}
        self._targets: dict[str, Any] = {}
        self._outputs: list[OrtValue] = []

    @property
    def inputs(self) -> dict[str, Any]:
        """What is bound to inputs."""
        return self._inputs

    @property
    def targets(self) -> dict[str, Any]:
        """The outputs that are bound, in order, and the array to write each to, or None for a new one."""
        return self._targets

    def bind_cpu_input(self, name: str, arr_on_cpu: Array) -> None:
        """Bind an input to an array. Raises RuntimeError for what is none."""
        if not any(hasattr(arr_on_cpu, name) for name in ("__array_interface__", "__dlpack__")):
            raise RuntimeError("Unable to create OrtValue from the given python object")
        self._inputs[self._known(name, 0)] = arr_on_cpu

    def bind_input(
        self,
        name: str,
        device_type: str,
        device_id: int,
        element_type: Any,
        shape: Sequence[int],
        buffer_ptr: int,
    ) -> None:
        """Bind an input to memory by its address, which must stay valid."""
        check_is_host(device_type)
        self._inputs[self._known(name, 0)] = _array_at(buffer_ptr, element_type, shape)

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Bind an input to an OrtValue."""
        self._inputs[self._known(name, 0)] = ortvalue.value

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Ask for an output, in new memory or, with an address, type and shape, written there.

        Raises ValueError for an address alone.
        """
        check_is_host(device_type)
        if buffer_ptr and (element_type is None or shape is None):
            raise ValueError(
                "`element_type` and `shape` are to be provided if pre-allocated memory is provided"
            )
        target = None if not buffer_ptr else _array_at(buffer_ptr, element_type, shape or ())
        self._targets[self._known(name, 1)] = target

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Have an output written into an OrtValue."""
        self._targets[self._known(name, 1)] = ortvalue.value

    def clear_binding_inputs(self) -> None:
        """Forget the inputs."""
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        """Forget the outputs."""
        self._targets.clear()
        self._outputs = []

    def synchronize_inputs(self) -> None:
        """Nothing to wait for on the CPU."""

    def synchronize_outputs(self) -> None:
        """Nothing to wait for on the CPU."""

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run, in the order in which they were bound."""
        return list(self._outputs)

    def get_outputs_as_ortvaluevector(self) -> OrtValueVector:
        """As `get_outputs`."""
        return OrtValueVector(self._outputs)

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last run as arrays of their own."""
        return [value.numpy() for value in self._outputs]

    def deliver(self, results: Sequence[Any]) -> None:
        """Keep a run's results, those that are bound to memory copied there unless they already lie there."""
        self._outputs = []
        for (name, target), result in zip(self._targets.items(), results, strict=True):
            if target is not None and target is not result:
                if target.dtype != result.dtype:
                    have, want = (f"({ort_name(a.dtype)})" for a in (target, result))
                    what = "Unexpected output data type."
                    raise RuntimeError(f"Error in execution: {what} Actual: {have} , expected: {want}")
                if (target.dtype, target.shape) != (result.dtype, result.shape):
                    have, want = (format_type(a.dtype, a.shape) for a in (target, result))
                    raise RuntimeError(
                        f"Error in execution: output {name} is bound to {have}, and the result is {want}"
                    )
                target[...] = result
            self._outputs.append(OrtValue(result if target is None else target))

    def _known(self, name: str, which: int) -> str:
        if name not in self._names[which] and not (which and self.session.has_value(name)):
            raise RuntimeError(f"Failed to find NodeArg with name: {name} in the def list")
        return name


def _array_at(address: int, element_type: Any, shape: Sequence[int]) -> Array:
    """The array of a type and shape that begins at an address."""
    dtype = dtype_of(element_type)
    count = int(np.prod(shape, dtype=np.int64))
    if not count:
        return np.empty(tuple(shape), dtype)
    memory: Any = (ctypes.c_char * (count * dtype.itemsize)).from_address(address)
    array: Array = np.frombuffer(memory, dtype, count).reshape(tuple(shape))
    return array
