"""Object files into memory without LLVM, whose library takes longer to load than a small model to run.

The loader knows what kernels need on x86-64 Linux: code, constants, data of their own, and calls of functions
that the process has. What else an object may hold is left to LLVM's linker.
https://gitlab.com/x86-psABIs/x86-64-ABI, https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from struct import iter_unpack, unpack_from
from typing import Any, NamedTuple

import numpy as np

Memory = np.ndarray[Any, Any]  # bytes

_MAGIC, _MACHINE = b"\x7fELF\x02\x01", 62  # 64 bits, little-endian; x86-64
_PROGBITS, _SYMTAB, _RELA, _NOBITS, _UNWIND = 1, 2, 4, 8, 0x70000001  # types of sections
_KNOWN = (_PROGBITS, _NOBITS, _UNWIND)  # of those that are loaded
_WRITE, _ALLOC, _TLS = 1, 2, 0x400  # flags of sections
_GLOBAL = 1  # binding of a symbol

_RELOCATION = np.dtype([("offset", "<i8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
_ABS64, _PC32, _PLT32, _GOTPCREL, _PC64, _GOTPCRELX, _REX_GOTPCRELX = 1, 2, 4, 9, 24, 41, 42
_BY_SLOT = (_GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX)
_WIDTH = {_ABS64: 8, _PC64: 8, **dict.fromkeys((_PC32, _PLT32, *_BY_SLOT), 4)}  # bytes

# A stub is `jmp [rip + 2]`, two bytes, and the slot that it reads, an address.
_STUB = bytes((0xFF, 0x25, 2, 0, 0, 0, 0x90, 0x90))
_STUB_BYTES, _SLOT = 16, 8

is_supported = sys.platform == "linux" and platform.machine() == "x86_64"


class UnknownObjectError(Exception):
    """An object holds something that only LLVM's linker knows."""


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry: int


def load(images: Iterable[bytes], exported: Sequence[str]) -> list[int]:
    """The addresses of exported symbols of object files, which stay in memory as long as the process.

    Raises UnknownObjectError, before anything can have been run.
    """
    objects = [_Object(image) for image in images]
    size = 0
    for o in objects:
        size = o.place(o.code, size)
    unwind = size
    for o in objects:
        size = o.place(o.unwind, size, packed=True)
    first_stub = _up(size + 4, _STUB_BYTES)  # after a length of 0, which ends the unwind information
    stubs_end = first_stub + _STUB_BYTES * sum(len(o.foreign) for o in objects)
    data = _up(stubs_end, mmap.PAGESIZE)
    end = data
    for o in objects:
        end = o.place(o.data, end)
    memory = _mapped(end)
    defined: dict[str, int] = {}
    for o in objects:
        defined.update(o.copy(memory))
    if not defined.keys() >= set(exported):
        raise UnknownObjectError("a symbol that is to be exported is not defined")
    stub = first_stub
    for o in objects:
        o.relocate(memory, stub, defined)
        stub += _STUB_BYTES * len(o.foreign)
    _make_executable(memory.ctypes.data, data)
    if size > unwind:
        _register_frames(memory.ctypes.data + unwind)
    return [defined[name] for name in exported]


class _Object:
    """A relocatable object file, and where its sections are placed: offsets in the memory of a load.

    `code`, `unwind` and `data` are numbers of sections; `foreign` are numbers of symbols that the object
    reaches through a stub or its slot.
    """

    def __init__(self, image: bytes) -> None:
        if image[:6] != _MAGIC or unpack_from("<H", image, 18) != (_MACHINE,):
            raise UnknownObjectError("an object of another machine")
        (start,), (count,) = unpack_from("<Q", image, 40), unpack_from("<H", image, 60)
        self.image = image
        self.sections = [
            _Section(*header) for header in iter_unpack("<IIQQQQIIQQ", image[start : start + 64 * count])
        ]
        kept = [i for i, s in enumerate(self.sections) if s.flags & _ALLOC and s.size]
        if any(self.sections[i].type not in _KNOWN or self.sections[i].flags & _TLS for i in kept):
            raise UnknownObjectError("a section of another kind")
        self.data = [i for i in kept if self.sections[i].flags & _WRITE]
        self.unwind = [i for i in kept if self.sections[i].type == _UNWIND]
        self.code = [i for i in kept if i not in self.data and i not in self.unwind]
        self.places: dict[int, int] = {}
        (table,) = (s for s in self.sections if s.type == _SYMTAB)
        self.names = self._content(self.sections[table.link])
        self.symbols = list(iter_unpack("<IBBHqQ", self._content(table)))
        self.relocations = [
            (s.info, np.frombuffer(self._content(s), _RELOCATION))
            for s in self.sections
            if s.type == _RELA and s.info in kept
        ]
        undefined = {i for i, (name, _, _, section, _, _) in enumerate(self.symbols) if name and not section}
        self.foreign: list[int] = []
        for _, entries in self.relocations:
            uses = set(zip(entries["type"].tolist(), entries["symbol"].tolist(), strict=True))
            if not {kind for kind, _ in uses} <= _WIDTH.keys():
                raise UnknownObjectError("a relocation of another kind")
            self.foreign += [i for kind, i in uses if i in undefined or kind in _BY_SLOT]
        self.foreign = sorted({*self.foreign})

    def place(self, numbers: Iterable[int], offset: int, packed: bool = False) -> int:
        """Give sections places from an offset on; where they end."""
        for number in numbers:
            section = self.sections[number]
            self.places[number] = offset = offset if packed else _up(offset, section.alignment)
            offset += section.size
        return offset

    def copy(self, memory: Memory) -> dict[str, int]:
        """Put the sections in their places; the addresses of the global symbols."""
        base = memory.ctypes.data
        for number, place in self.places.items():
            section = self.sections[number]
            if section.type != _NOBITS:
                memory[place : place + section.size] = np.frombuffer(self._content(section), np.uint8)
        self.addresses = [
            base + self.places.get(section, 0) + value for _, _, _, section, value, _ in self.symbols
        ]
        return {
            self._name(name): address
            for (name, info, _, section, _, _), address in zip(self.symbols, self.addresses, strict=True)
            if section in self.places and info >> 4 == _GLOBAL
        }

    def relocate(self, memory: Memory, stub: int, defined: dict[str, int]) -> None:
        """Write the stubs, from an offset on, and the addresses that the code and the data hold."""
        base = memory.ctypes.data
        stubs = {}
        for number in self.foreign:
            name, _, _, section, _, _ = self.symbols[number]
            if not section:
                self.addresses[number] = _address_of(self._name(name), defined)
            memory[stub : stub + _SLOT] = np.frombuffer(_STUB, np.uint8)
            memory[stub + _SLOT : stub + _STUB_BYTES] = _bytes(np.array([self.addresses[number]]), 8)[0]
            stubs[number] = base + stub
            stub += _STUB_BYTES
        near = self.addresses.copy()
        for number in self.foreign:
            if not self.symbols[number][3]:
                near[number] = stubs[number]
        slots = [stubs.get(number, 0) + _SLOT for number in range(len(self.symbols))]
        for target, entries in self.relocations:
            places = self.places[target] + entries["offset"]
            for kind in set(entries["type"].tolist()):
                chosen = entries["type"] == kind
                at = places[chosen]
                symbols = slots if kind in _BY_SLOT else self.addresses if kind == _ABS64 else near
                values = np.array(symbols, np.int64)[entries["symbol"][chosen]] + entries["addend"][chosen]
                if kind != _ABS64:
                    values -= base + at
                width = _WIDTH[kind]
                memory[at[:, None] + np.arange(width)] = _bytes(values, width)

    def _content(self, section: _Section) -> bytes:
        return self.image[section.offset : section.offset + section.size]

    def _name(self, offset: int) -> str:
        return self.names[offset : self.names.index(b"\0", offset)].decode()


def _bytes(values: Memory, width: int) -> Memory:
    """Little-endian bytes [n, width]. Raises UnknownObjectError where a value does not fit."""
    narrow = values.astype(f"<i{width}")
    if (narrow != values).any():
        raise UnknownObjectError("an address out of reach")
    return narrow.view(np.uint8).reshape(-1, width)


def _up(offset: int, alignment: int) -> int:
    return -(-offset // max(alignment, 1)) * max(alignment, 1)


def _address_of(name: str, defined: dict[str, int]) -> int:
    """Of a function: of the objects, or of the process."""
    if name in defined:
        return defined[name]
    for library in (_process(), ctypes.pythonapi):
        with suppress(AttributeError):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    raise UnknownObjectError(f"{name} is not in this process")


@cache
def _process() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _mapped(size: int) -> Memory:
    """New memory, which is never given back: threads may run in it to the very end of the process."""
    function = _process().mmap
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    function.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # private: a forked child's data are its own
    address = function(None, max(size, 1), mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if address == ctypes.c_void_p(-1).value:
        raise MemoryError(f"{size} bytes for code")
    return np.ctypeslib.as_array((ctypes.c_uint8 * max(size, 1)).from_address(address))


def _make_executable(address: int, size: int) -> None:
    mprotect = _process().mprotect
    mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if mprotect(address, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise UnknownObjectError("memory that cannot be executed")


def _register_frames(address: int) -> None:
    """Tell the unwinder of C++ and of ending threads about the functions, where there is one."""
    with suppress(OSError, AttributeError):
        register = ctypes.CDLL("libgcc_s.so.1").__register_frame
        register.argtypes = [ctypes.c_void_p]
        register.restype = None
        register(address)
