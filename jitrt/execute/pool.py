"""Runs step tables: natively, on the calling thread and a process-wide pool of workers.

A step table is a C-contiguous int64 array, a row per step: the address of a function
`i64 f(ptr args, i64 begin, i64 end, ptr scratch)`, the address of its args, the number of its independent
units, and how many of them a thread takes at once (0: all, on the calling thread; `JUMPS`: all, and the
function returns how many rows to go on, instead of a status). The native code is in runtime.ll, threads.ll
and repeat.ll; dictionaries.ll is linked with it, for dictionaries.py.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.codegen.compile import cached_object, link
from jitrt.codegen.target import Target, host
from jitrt.digest import blake2b
from jitrt.execute import cpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

FUNCTION, ARGS, EXTENT, CHUNK = range(4)
COLUMNS = 4  # of a step table
JUMPS = -1  # for CHUNK

_STEPS, _TIMING, _STATUS, _STOP = 1, 5, 6, 12  # of the fields of %Run in runtime.ll
STOPPED = -(1 << 63)  # the status of a run that was stopped

_MAX_THREADS = 256
_MAX_CPUS = 1024
_SPIN_NS = 50_000  # that a worker looks for work before it sleeps
_WAKE_NS = 64_000  # of work in a run for each worker that it wakes

_FUTEX = {"x86_64": 202, "aarch64": 98}  # system call numbers
# floating-point modes: denormal numbers as IEEE 754 has them, and flushed to zero (MXCSR, FPCR)
_FLOAT_MODES = {"x86_64": (0x1F80, 0x9FC0), "aarch64": (0, 1 << 24)}
_MODES = _FLOAT_MODES.get(platform.machine(), (0, 0))
_PAUSE = {"x86_64": "@llvm.x86.sse2.pause()", "aarch64": "@llvm.aarch64.isb(i32 15)"}

Repeat = Callable[[Any, Any], list[Any] | None]  # the outputs, or None where the call is another one


class Runner:
    """Runs one step table; for one thread at a time, as the scratch memory and the descriptor are its own.

    `run()` executes the steps up to the first that fails; it returns that step's index, or -1. Every other
    Python thread may run meanwhile, unless the table is `brief`: for tables that take a few microseconds, as
    waiting for the GIL can take longer than that.

    Thread t of `threads` gets the scratch address `scratch + t * scratch_stride` (bytes). `timing`, an int64
    array [steps, 2] of zeros, receives the start and the end of each step in ns of the monotonic clock; the
    end of a step that runs several times is its first start plus what it took in all.

    `run_on(arrays)` first puts the addresses of NumPy arrays, a list, into the steps' args. A row of
    `patches`, int64 [n, 3], is an array's place in the list, where to put its address, and bytes to add.

    With `flush_denormals`, numbers below the smallest normal one are zero, where the machine can do that.
    """

    __slots__ = ("_descriptor", "_kept", "run_on")

    run_on: Callable[[list[Any]], int]

    def __init__(
        self,
        table: NDArray[np.int64],
        *,
        threads: int = 1,
        scratch: int = 0,
        scratch_stride: int = 0,
        timing: NDArray[np.int64] | None = None,
        brief: bool = False,
        patches: NDArray[np.int64] | None = None,
        flush_denormals: bool = False,
    ) -> None:
        _check(table, "table", COLUMNS)
        runtime = shared_runtime()
        mode = _MODES[flush_denormals]
        rows, count = (0, 0) if patches is None else (patches.ctypes.data, len(patches))
        steps = [table.ctypes.data, len(table), scratch, scratch_stride, threads]
        self._descriptor = np.array([*steps, 0, 0, brief, 0, rows, count, mode, 0], np.int64)  # %Run
        # The methods keep what they point to alive: they may outlive the runner.
        self._kept = [self._descriptor, table, patches]
        if patches is not None:
            _check(patches, "patches", 3)
        if timing is not None:
            self.time_into(timing)
        self.run_on = runtime.method_on(self._descriptor.ctypes.data, self._kept)

    @property
    def run(self) -> Callable[[], int]:
        """The method that executes the steps, without new addresses."""
        return shared_runtime().method(self._descriptor.ctypes.data, self._kept)

    @property
    def status(self) -> int:
        """What the step that ended the last run returned; 0 if none failed."""
        return int(self._descriptor[_STATUS])

    def stop(self, stopped: bool = True) -> None:
        """End the run that another thread is in before its next step, and later runs, until told not to."""
        self._descriptor[_STOP] = stopped

    def repeat(self, call: Sequence[int], kept: object) -> Repeat:
        """A method that makes the call that the fields of %Call in repeat.ll describe, but for its run."""
        descriptor = np.array([self._descriptor.ctypes.data, *call], np.int64)
        return shared_runtime().repeat(descriptor.ctypes.data, [self, descriptor, kept])

    def time_into(self, timing: NDArray[np.int64] | None) -> None:
        """Time the steps of the coming runs into `timing`, int64 [steps, 2]; None stops timing them."""
        if timing is not None:
            _check(timing, "timing", 2)
            if len(timing) < self._descriptor[_STEPS]:
                raise ValueError(f"timing: expected {self._descriptor[_STEPS]} rows, got {len(timing)}")
        self._kept[3:] = [] if timing is None else [timing]
        self._descriptor[_TIMING] = 0 if timing is None else timing.ctypes.data


def _check(array: NDArray[np.int64], name: str, columns: int) -> None:
    ok = array.dtype == np.int64 and array.ndim == 2 and array.shape[1] == columns
    if not ok or not array.flags.c_contiguous:
        raise ValueError(
            f"{name}: expected a C-contiguous int64 array [steps, {columns}], got {array.dtype} {array.shape}"
        )


def runtime_ir(system: str = sys.platform, machine: str = platform.machine()) -> str:
    """The runtime's LLVM IR; workers only where futexes and the spin hint of the machine are known."""
    from string import Template  # not needed where the runtime is on disk

    source, values = _runtime_parts(system, machine)
    return Template(source).substitute(values)


def _runtime_parts(system: str, machine: str) -> tuple[str, dict[str, Any]]:
    """The source with names for values, and the values."""
    steps = "threads.ll" if _has_workers(system, machine) else "serial.ll"
    parts = "runtime.ll", steps, "repeat.ll", "dictionaries.ll"
    return (
        "".join(map(_source, parts)),
        {
            "monotonic": time.CLOCK_MONOTONIC,
            "threads": _MAX_THREADS,
            "cpus": _MAX_CPUS,
            "mask_bytes": _MAX_CPUS // 8,
            "spin_ns": _SPIN_NS,
            "wake_ns": _WAKE_NS,
            "futex": _FUTEX.get(machine),
            "pause": _PAUSE.get(machine),
            "stopped": STOPPED,
            "float_mode": _source(f"float_mode_{machine}.ll" if machine in _FLOAT_MODES else "float_mode.ll"),
            # where an array object keeps its data's address, after the header, and that of its sizes
            "data_offset": object.__basicsize__,
            "sizes_offset": object.__basicsize__ + 16,
        },
    )


def _source(part: str) -> str:
    return Path(__file__).with_name(part).read_text()


def _has_workers(system: str = sys.platform, machine: str = platform.machine()) -> bool:
    return system == "linux" and machine in _FUTEX


def object_code(target: Target) -> bytes:
    """The runtime's object file, from disk or built now."""
    parts = _runtime_parts(sys.platform, platform.machine())
    key = blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    return cached_object(f"runtime {key}", runtime_ir, target, name="runtime")


class _Runtime:
    """The linked runtime, one in a process: its methods, and the pool if the system has one."""

    def __init__(self, image: bytes, threaded: bool) -> None:
        own = "method", "method_on", "method_repeat", "method_find", "method_zip", "objects"
        symbols = [*own, *(_Pool.SYMBOLS if threaded else ())]
        addresses = dict(zip(symbols, link([image], symbols), strict=True))
        self._new_method = ctypes.pythonapi.PyCFunction_NewEx
        self._new_method.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
        self._new_method.restype = ctypes.py_object
        self._method, self._method_on, self._method_repeat = (addresses[name] for name in own[:3])
        self.find: Callable[..., Any] = self._new_method(addresses["method_find"], None, None)
        self._method_zip = addresses["method_zip"]
        for number, known in enumerate((None, dict, np.ndarray, np.empty)):
            ctypes.c_void_p.from_address(addresses["objects"] + 8 * number).value = id(known)
        self.pool = _Pool(addresses) if threaded else None

    def method(self, descriptor: int, keep: object) -> Callable[[], int]:
        """A CPython method that runs the descriptor's table; it holds a reference to `keep`."""
        bound: Callable[[], int] = self._new_method(self._method, descriptor, keep)
        return bound

    def method_on(self, descriptor: int, keep: object) -> Callable[[list[Any]], int]:
        """As `method`, for arrays whose addresses it puts into the table's args first."""
        bound: Callable[[list[Any]], int] = self._new_method(self._method_on, descriptor, keep)
        return bound

    def repeat(self, call: int, keep: object) -> Repeat:
        """A CPython method that makes the call at an address, from the names of outputs and a feed."""
        bound: Repeat = self._new_method(self._method_repeat, call, keep)
        return bound

    def zipper(self, keys: tuple[Any, ...], dictionary: dict[Any, Any]) -> Callable[[Any], Any]:
        """A CPython method that makes copies of a dictionary from rows of an array."""
        bound: Callable[[Any], Any] = self._new_method(self._method_zip, (keys, dictionary), None)
        return bound


class _Pool:
    """The workers: Python threads that enter @worker in threads.ll and stay there until the process ends."""

    SYMBOLS = (
        *("worker", "job", "lock", "active", "size", "limit", "cores", "grow", "asleep"),
        *("free_place", "worker_at", "thread_id", "place_of_cpu", "cpus_of_place"),
    )

    def __init__(self, addresses: dict[str, int]) -> None:
        def numbers(name: str, count: int = 1) -> Any:
            return (ctypes.c_int32 * count).from_address(addresses[name])

        self._worker = ctypes.CFUNCTYPE(None, ctypes.c_int32)(addresses["worker"])
        self._claim = ctypes.c_int64.from_address(addresses["job"])
        self._lock, self._active = numbers("lock"), numbers("active")
        self._asleep = numbers("asleep", _MAX_THREADS)
        self._size, self._limit, self._cores = numbers("size"), numbers("limit"), numbers("cores")
        self._free_place = numbers("free_place")
        self._worker_at = numbers("worker_at", _MAX_THREADS)
        self._thread_id = numbers("thread_id", _MAX_THREADS)
        self._place_of_cpu = numbers("place_of_cpu", _MAX_CPUS)
        masks = ctypes.c_uint8 * (_MAX_CPUS // 8) * _MAX_THREADS
        self._cpus_of_place = np.ctypeslib.as_array(masks.from_address(addresses["cpus_of_place"]))
        self._limit[0] = min(len(cpus.allowed()), _MAX_THREADS)
        self._cores[0] = cpus.default_threads()
        self._grow = ctypes.CFUNCTYPE(None, ctypes.c_int32)(self._enlarge)
        grow = ctypes.cast(self._grow, ctypes.c_void_p)
        ctypes.c_void_p.from_address(addresses["grow"]).value = grow.value
        os.register_at_fork(after_in_child=self._forget_workers)

    def _enlarge(self, threads: int) -> None:
        """Start workers for `threads` threads; called natively, by the run that holds the pool."""
        started = self._size[0]
        self._place_workers(threads)
        try:
            while started < threads:
                # Counted first: after an interruption a number may be without a thread, never with two.
                self._size[0] = started = started + 1
                _thread.start_new_thread(self._work, (started - 1,))
        except RuntimeError:  # no more threads for this process
            self._size[0] = self._limit[0] = started - 1

    def _place_workers(self, threads: int) -> None:
        """Give the workers of `threads` threads a place each, and those that have started their CPUs."""
        self._place_of_cpu[:] = [-1] * _MAX_CPUS
        self._cpus_of_place[:] = 0
        self._free_place[0] = 0
        self._worker_at[:] = [*range(threads), *[0] * (_MAX_THREADS - threads)]
        for place, members in enumerate(cpus.places(threads)):
            for cpu in members:
                if cpu < _MAX_CPUS:
                    self._cpus_of_place[place, cpu // 8] |= 1 << cpu % 8
                    self._place_of_cpu[cpu] = place
        for worker in range(1, self._size[0]):
            if self._thread_id[worker]:
                self._pin(worker)

    def _pin(self, worker: int) -> None:
        """Restrict the worker to the CPUs of its place."""
        place = list(self._worker_at).index(worker)
        members = np.flatnonzero(np.unpackbits(self._cpus_of_place[place], bitorder="little"))
        with contextlib.suppress(OSError):  # the process's cpuset has changed: unpinned, it still works
            os.sched_setaffinity(self._thread_id[worker], members.tolist())

    def _work(self, worker: int) -> None:
        self._thread_id[worker] = threading.get_native_id()
        place = None
        while place != (place := list(self._worker_at).index(worker)):  # it may be moved meanwhile
            self._pin(worker)
        self._worker(worker)

    def _forget_workers(self) -> None:
        """In a forked child: the workers, and the run that may have held the pool, are not there."""
        self._claim.value = self._lock[0] = self._active[0] = 0
        self._size[0] = 1
        self._asleep[:] = self._thread_id[:] = [0] * _MAX_THREADS


_runtime: _Runtime | None = None
_loading = threading.Lock()


def shared_runtime() -> _Runtime:
    """The process's runtime, loaded at the first call."""
    global _runtime
    if _runtime is None:
        with _loading:
            if _runtime is None:
                _runtime = _Runtime(object_code(host()), _has_workers())
    return _runtime


def _renew_lock() -> None:
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
