"""Devices and their memory, under onnxruntime's names: here, the CPU.

https://onnxruntime.ai/docs/api/python/api_summary.html#devices
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jitrt.enumerations import (
    OrtAllocatorType,
    OrtDeviceMemoryType,
    OrtDeviceVendorId,
    OrtHardwareDeviceType,
    OrtMemoryInfoDeviceType,
    OrtMemType,
)
from jitrt.providers import CPU
from jitrt.version import __version__

GPU, NPU = OrtMemoryInfoDeviceType.GPU, OrtMemoryInfoDeviceType.NPU
# name -> type of device, vendor
_DEVICES = {
    "cpu": (OrtMemoryInfoDeviceType.CPU, OrtDeviceVendorId.NONE),
    "cuda": (GPU, OrtDeviceVendorId.NVIDIA),
    "dml": (GPU, OrtDeviceVendorId.MICROSOFT),
    "webgpu": (GPU, OrtDeviceVendorId.NONE),
    "gpu": (GPU, OrtDeviceVendorId.NONE),
    "cann": (NPU, OrtDeviceVendorId.HUAWEI),
    "npu": (NPU, OrtDeviceVendorId.NONE),
}
_NO_DEVICE = (
    "Can't allocate memory on the {name}device using this package of jitrt. "
    "Please use the {package} package of jitrt {purpose}to use this feature."
)


class OrtDevice:
    """A device by its name (`cpu`, `cuda`) and number; it need not be there."""

    def __init__(self, name: str, device_id: int = 0, vendor_id: int = -1) -> None:
        if name not in _DEVICES:
            raise Exception(f"Unsupported device type: {name}")
        kind, vendor = _DEVICES[name]
        self._type, self._id, self._vendor = int(kind), device_id, int(vendor if vendor_id < 0 else vendor_id)

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int = -1) -> OrtDevice:
        """The device. Raises Exception for a name that means none."""
        return OrtDevice(ort_device_name, device_id, vendor_id)

    def device_type(self) -> int:
        """0 for the CPU, 1 for a GPU, 3 for an NPU."""
        return self._type

    def device_id(self) -> int:
        """The number among devices of the type."""
        return self._id

    def device_mem_type(self) -> int:
        """0: memory that the device uses by default."""
        return 0

    def device_vendor_id(self) -> int:
        """The vendor's PCI number, 0 for none in particular."""
        return self._vendor

    def _get_c_device(self) -> OrtDevice:
        return self


def check_device(name: str) -> None:
    """Raise RuntimeError for a device whose memory is not used here, Exception for an unknown name."""
    if OrtDevice(name).device_type() != OrtMemoryInfoDeviceType.CPU:
        cuda = name == "cuda"
        package, purpose = ("CUDA", "") if cuda else ("appropriate", "for your hardware ")
        raise RuntimeError(_NO_DEVICE.format(name="CUDA " if cuda else "", package=package, purpose=purpose))


@dataclass(frozen=True)
class OrtMemoryInfo:
    """Where a tensor's memory is and how it is allocated. Raises RuntimeError for a name that means none."""

    name: str
    allocator_type: OrtAllocatorType
    device_id: int
    mem_type: OrtMemType
    device_mem_type: OrtDeviceMemoryType = OrtDeviceMemoryType.DEFAULT
    device_vendor_id: int = 0
    _any_name: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if not self._any_name and self.name not in ("Cpu", "Cuda", "CudaPinned", "DML", "OpenVINO_CPU"):
            raise RuntimeError("Specified device is not supported. Try CreateMemoryInfo_V2.")

    @staticmethod
    def create_v2(
        name: str,
        device_type: OrtMemoryInfoDeviceType,
        vendor_id: int,
        device_id: int,
        device_mem_type: OrtDeviceMemoryType,
        alignment: int,
        allocator_type: OrtAllocatorType,
    ) -> OrtMemoryInfo:
        """Of a device of any name."""
        kind = OrtMemType.DEFAULT
        return OrtMemoryInfo(name, allocator_type, device_id, kind, device_mem_type, vendor_id, True)


HOST_MEMORY = OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)


class OrtArenaCfg:
    """Settings of an arena; -1 leaves one to the library. Raises RuntimeError for an unknown one."""

    def __init__(
        self,
        max_mem: int | Mapping[str, int] = 0,
        arena_extend_strategy: int = -1,
        initial_chunk_size_bytes: int = -1,
        max_dead_bytes_per_chunk: int = -1,
    ) -> None:
        self.max_mem = 0 if isinstance(max_mem, Mapping) else max_mem
        self.arena_extend_strategy = arena_extend_strategy
        self.initial_chunk_size_bytes = initial_chunk_size_bytes
        self.max_dead_bytes_per_chunk = max_dead_bytes_per_chunk
        self.initial_growth_chunk_size_bytes = self.max_power_of_two_extend_bytes = -1
        for name, value in max_mem.items() if isinstance(max_mem, Mapping) else ():
            if not hasattr(self, name):
                raise RuntimeError(f"Invalid OrtArenaCfg option: {name}")
            setattr(self, name, value)


@dataclass(frozen=True)
class OrtHardwareDevice:
    """A device that computes."""

    type: OrtHardwareDeviceType = OrtHardwareDeviceType.CPU
    vendor: str = ""
    vendor_id: int = 0
    device_id: int = 0
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OrtEpDevice:
    """A device that an execution provider runs on."""

    ep_name: str
    device: OrtHardwareDevice
    ep_vendor: str = "jitrt"
    ep_metadata: dict[str, str] = field(default_factory=lambda: {"version": __version__})
    ep_options: dict[str, str] = field(default_factory=dict)

    def memory_info(self, kind: OrtDeviceMemoryType) -> OrtMemoryInfo:
        """The memory that the device uses."""
        return HOST_MEMORY


def get_ep_devices() -> list[OrtEpDevice]:
    """The devices that sessions can run on."""
    return [OrtEpDevice(CPU, OrtHardwareDevice(vendor=platform.processor() or platform.machine()))]


def create_and_register_allocator(memory_info: OrtMemoryInfo, arena_cfg: OrtArenaCfg | None) -> None:
    """Accepted, with a warning: every session has arenas of its own, as large as its plans need."""
    meaning = "has no meaning in jitrt: sessions have arenas of their own"
    warnings.warn(f"create_and_register_allocator {meaning}", stacklevel=2)


def create_and_register_allocator_v2(
    provider_type: str, memory_info: OrtMemoryInfo, options: Mapping[str, str], arena_cfg: OrtArenaCfg | None
) -> None:
    """Accepted, with a warning, as `create_and_register_allocator`."""
    create_and_register_allocator(memory_info, arena_cfg)


def copy_tensors(source: Any, target: Any, stream: Any = None) -> None:
    """Copy OrtValues into others of the same types and sizes."""
    for one, other in zip(source, target, strict=True):
        other.update_inplace(one)
