"""Options of sessions and runs, under onnxruntime's names.

https://onnxruntime.ai/docs/api/python/api_summary.html#options
"""

from __future__ import annotations

import copy
import operator
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np

from jitrt.enumerations import (
    ExecutionMode,
    ExecutionOrder,
    GraphOptimizationLevel,
    OrtExecutionProviderDevicePolicy,
)
from jitrt.errors import Fail, InvalidArgument

Value = TypeVar("Value")

RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"

PRECISIONS = {"highest": 3, "high": 2, "medium": 1}  # bfloat16 parts of a float32 number in products

# keys of `add_session_config_entry` that do something here, and what they may be
CONFIG_ENTRIES = {
    RECORD_ASSIGNMENT: ("0", "1"),
    "session.set_denormal_as_zero": ("0", "1"),
    "jitrt.batch_invariant": ("0", "1"),
    "jitrt.shrink_arena": ("0", "1"),
    "jitrt.winograd": ("0", "1"),
    "jitrt.float32_precision": tuple(PRECISIONS),
}
SHRINK_ARENA = "memory.enable_memory_arena_shrinkage"  # of a run


class _Option(Generic[Value]):
    """An attribute of options that only takes values of its default's type."""

    def __init__(self, default: Value) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> _Option[Value]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else instance._values.get(self.name, self.default)

    def __set__(self, instance: Any, value: Value) -> None:
        kind: Any = type(self.default)
        allowed = {bool: (bool, int, np.bool_), int: (int, np.integer)}.get(kind, kind)
        if not isinstance(value, allowed):
            got = f"{value!r} ({type(value).__name__})"
            raise TypeError(f"{type(instance).__name__}.{self.name}: expected {kind.__name__}, got {got}")
        instance._values[self.name] = kind(value)


class _Options:
    """Values that differ from the defaults, and config entries. Picklable; unknown names are refused."""

    __slots__ = ("_entries", "_values")
    _values: dict[str, Any]
    _entries: dict[str, str]

    def __init__(self) -> None:
        self._values, self._entries = {}, {}

    def changed(self) -> dict[str, Any]:
        """The options that are not as they are by default."""
        return {k: v for k, v in self._values.items() if v != vars(type(self))[k].default}

    def copied(self) -> Self:
        """Options of the same values, which later changes to these leave alone."""
        twin = copy.copy(self)
        for name, value in self.__getstate__().items():
            if isinstance(value, (dict, list)):
                setattr(twin, name, value.copy())
        return twin

    def __getstate__(self) -> Any:
        kinds = type(self).__mro__
        return {name: getattr(self, name) for kind in kinds for name in getattr(kind, "__slots__", ())}

    def __setstate__(self, state: Any) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        changes = ", ".join(f"{k}={v!r}" for k, v in self.changed().items())
        return f"{type(self).__name__}({changes})"

    def _add_entry(self, key: str, value: str) -> None:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"config entries are strings, got {key!r}: {value!r}")
        self._entries[key] = value

    def _entry(self, key: str) -> str:
        if key not in self._entries:
            raise RuntimeError(f"{type(self).__name__} does not have configuration with key: {key}")
        return self._entries[key]


class SessionOptions(_Options):
    """How a session loads and runs a model.

    `intra_op_num_threads` is the number of threads of one run, 0 for the physical cores that this process may
    use. `graph_optimization_level` is ORT_DISABLE_ALL to compute every operator by itself, for comparisons:
    nothing is fused then. With `enable_cpu_mem_arena` False, memory goes back to the system after each run.
    `optimized_model_filepath` names a file to write the model to as it was loaded, functions inlined. With
    `enable_profiling`, `end_profiling()` writes a trace to a file that begins with `profile_file_prefix`.
    An option that is set and has no meaning here is named in a warning, once a process.

    With the configuration entry `jitrt.batch_invariant` "1", a sample's result has the same bits whatever the
    size of its batch. Products of one to three rows may then take up to 1.4 times as long, others take as
    long as without it. With `jitrt.winograd` "0", convolutions 3 x 3 are direct sums, never Winograd's
    algorithm: a few times more exact, and up to three times as slow (see codegen/winograd_transform.py).
    `jitrt.float32_precision` is "highest", "high" (products are exact to 2^-15, of two bfloat16 parts) or
    "medium" (2^-8, of one); it matters on CPUs with bfloat16 tile registers (see codegen/split.py).
    """

    __slots__ = ("cancelled", "denoted", "dimensions", "files", "initializers", "providers", "unused")

    intra_op_num_threads = _Option(0)
    inter_op_num_threads = _Option(0)
    graph_optimization_level = _Option(GraphOptimizationLevel.ORT_ENABLE_ALL)
    execution_mode = _Option(ExecutionMode.ORT_SEQUENTIAL)
    execution_order = _Option(ExecutionOrder.DEFAULT)
    enable_cpu_mem_arena = _Option(True)
    enable_mem_pattern = _Option(True)
    enable_mem_reuse = _Option(True)
    enable_profiling = _Option(False)
    profile_file_prefix = _Option("onnxruntime_profile_")
    optimized_model_filepath = _Option("")
    log_severity_level = _Option(-1)
    log_verbosity_level = _Option(0)
    logid = _Option("")
    use_deterministic_compute = _Option(False)
    use_per_session_threads = _Option(True)

    def __init__(self) -> None:
        super().__init__()
        self.dimensions: dict[str, int] = {}
        self.denoted: dict[str, int] = {}
        self.initializers: dict[str, Any] = {}
        self.files: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
        self.providers: list[tuple[str, Mapping[str, Any]]] = []
        self.unused: dict[str, Any] = {}  # what was asked for and has no meaning here
        self.cancelled = False

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Fix the dimensions that the model names `name`."""
        self.dimensions[name] = operator.index(size)

    def add_free_dimension_override_by_denotation(self, denotation: str, size: int) -> None:
        """Fix the dimensions that the model denotes so (`DATA_BATCH`, for one)."""
        self.denoted[denotation] = operator.index(size)

    def add_initializer(self, name: str, value: Any) -> None:
        """Use an OrtValue or array for the model's initializer `name`."""
        self.initializers[name] = value

    def add_external_initializers(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """As `add_initializer`, for several."""
        if len(names) != len(values):
            raise RuntimeError(f"{len(names)} names of initializers and {len(values)} values")
        for name, value in zip(names, values, strict=True):
            self.add_initializer(name, value)

    def add_external_initializers_from_files_in_memory(
        self, names: Sequence[str], buffers: Sequence[Any], lengths: Sequence[int]
    ) -> None:
        """Contents of files that the model's initializers are in, by name: bytes or what has a buffer."""
        for name, buffer, length in zip(names, buffers, lengths, strict=True):
            self.files[name] = np.frombuffer(buffer, np.uint8, length)

    def set_load_cancellation_flag(self, cancelled: bool) -> None:
        """Have sessions that are made with these options raise ModelLoadCanceled."""
        self.cancelled = bool(cancelled)

    def set_provider_selection_policy(self, policy: OrtExecutionProviderDevicePolicy) -> None:
        """Accepted, with a warning when a session is made: providers are chosen by name."""
        self.unused["provider_selection_policy"] = policy

    def set_provider_selection_policy_delegate(self, delegate: Any) -> None:
        """As `set_provider_selection_policy`."""
        self.unused["provider_selection_policy_delegate"] = delegate

    def add_provider_for_devices(self, devices: Sequence[Any], options: Mapping[str, str]) -> None:
        """Ask for the provider of devices that `get_ep_devices` gave."""
        for device in devices:
            self.add_provider(device.ep_name, options)

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set an option by its configuration key; `CONFIG_ENTRIES` are those that do something here."""
        if value not in CONFIG_ENTRIES.get(key, (value,)):
            raise ValueError(f"{key}: expected one of {', '.join(CONFIG_ENTRIES[key])}, got {value!r}")
        self._add_entry(key, value)

    def get_session_config_entry(self, key: str) -> str:
        """The value set for a configuration key. Raises RuntimeError where none is."""
        return self._entry(key)

    def add_provider(self, name: str, options: Mapping[str, str]) -> None:
        """Ask for an execution provider, as the session's argument `providers` does."""
        self.providers.append((name, dict(options)))

    def has_providers(self) -> bool:
        """Whether `add_provider` was called."""
        return bool(self.providers)

    def register_custom_ops_library(self, path: str) -> None:
        """Raises Fail: operators compiled for onnxruntime do not run here, those of @jitrt.op do."""
        reason = "operators compiled for onnxruntime do not run in jitrt; see @jitrt.op"
        raise Fail(f"Failed to load library {path} with error: {reason}")

    def flag(self, key: str, default: str = "0") -> bool:
        """Whether a configuration entry is "1"."""
        return self._entries.get(key, default) == "1"

    @property
    def parts_of_numbers(self) -> int:
        """What `jitrt.float32_precision` stands for."""
        return PRECISIONS[self._entries.get("jitrt.float32_precision", "highest")]

    def warn_of_the_meaningless(self) -> None:
        """Warn of options that are set and do nothing here, of each once."""
        changed = self.changed()
        serial = changed.get("inter_op_num_threads", 1) == 1  # operators run one at a time
        idle = {
            **{k: v for k, v in changed.items() if k in ("enable_mem_pattern", "enable_mem_reuse")},
            **{k: v for k, v in changed.items() if k in ("execution_mode", "execution_order")},
            **({} if serial else {"inter_op_num_threads": changed["inter_op_num_threads"]}),
            **{k: v for k, v in self._entries.items() if k not in CONFIG_ENTRIES},
            **self.unused,
        }
        fresh = [name for name in idle if name not in _warned]
        if fresh:
            _warned.update(fresh)
            named = ", ".join(f"{name}={getattr(idle[name], 'name', idle[name])}" for name in fresh)
            warnings.warn(f"options without a meaning in jitrt: {named}", stacklevel=3)


_warned: set[str] = set()


class RunOptions(_Options):
    """How one run goes. `terminate`, set from any thread, ends it with Fail before its next kernel."""

    __slots__ = ("_lock", "_runners")

    log_severity_level = _Option(-1)
    log_verbosity_level = _Option(0)
    logid = _Option("")
    only_execute_path_to_fetches = _Option(False)

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._runners = threading.Lock(), set[Any]()

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, str]]:
        return self._values, self._entries

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, str]]) -> None:
        RunOptions.__init__(self)
        self._values, self._entries = state

    @property
    def terminate(self) -> bool:
        """Whether runs with these options end."""
        return bool(self._values.get("terminate", False))

    @terminate.setter
    def terminate(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"RunOptions.terminate: expected bool, got {value!r} ({type(value).__name__})")
        with self._lock:
            self._values["terminate"] = value
            for runner in self._runners:
                runner.stop(value)

    @contextmanager
    def stopping(self, runner: Any) -> Iterator[None]:
        """While the block runs a step table, `terminate` stops it."""
        with self._lock:
            self._runners.add(runner)
            runner.stop(self.terminate)
        try:
            yield
        finally:
            with self._lock:
                self._runners.discard(runner)
                runner.stop(False)

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Set an option by its key; `SHRINK_ARENA` returns memory to the system after the run."""
        self._add_entry(key, value)

    def get_run_config_entry(self, key: str) -> str:
        """The value set for a key. Raises RuntimeError where none is."""
        return self._entry(key)

    @property
    def shrinks_arena(self) -> bool:
        """Whether memory goes back to the system after the run.

        Raises InvalidArgument for memory of a device other than the CPU.
        """
        for device in filter(None, self._entries.get(SHRINK_ARENA, "").split(";")):
            name = device.partition(":")[0].lower()
            if name == "gpu":
                what = "Did not find an arena based allocator registered for device-id combination"
                raise InvalidArgument(f"{what} in the memory arena shrink list: {device}")
            if name != "cpu":
                what = "Unsupported device specified in the memory arena shrink list"
                raise InvalidArgument(f"{what}: {device}")
        return bool(self._entries.get(SHRINK_ARENA))


def check_run_options(options: Any) -> None:
    """Raise TypeError for what is neither RunOptions nor None."""
    if options is not None and not isinstance(options, RunOptions):
        raise TypeError(f"run(): run_options is a RunOptions, got {options!r}")
