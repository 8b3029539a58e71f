"""Protocol buffer messages read straight from a buffer; byte fields stay views of it.

A message class lists its fields by number, and an instance has the attributes that its bytes hold:

    class OperatorSetIdProto(Message):
        domain: str = text(1)
        version: int = integer(2)

    decode(OperatorSetIdProto, b"\\x10\\x11").version == 17

`has(message, "domain")` tells an absent field from its default. Repeated numbers are lists where they are
few and NumPy arrays else. In text that is not UTF-8, the odd bytes become backslash escapes.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

VARINT, FIXED64, LENGTH, START_GROUP, END_GROUP, FIXED32 = range(6)
MAX_DEPTH = 100  # of nested messages, as in Google's parsers
MAX_VARINT_NBYTES = 10
SHORT_RUN = 32  # unpacked numbers read one by one before NumPy pays off

# (message, buffer, position after the tag, end of the message, depth) -> position after the field
Reader = Callable[[Any, memoryview, int, int, int], int]


class DecodeError(ValueError):
    """The bytes are no message of the expected kind."""


class Field(NamedTuple):
    """A field's number, its value where absent, and what makes its readers (by wire type) for a name."""

    number: int
    default: Any
    readers: Callable[[str], dict[int, Reader]]


class Message:
    """Base of message classes; the class attributes are the defaults."""

    numbers: ClassVar[dict[str, int]]
    _readers: ClassVar[dict[int, Reader]]

    def __init_subclass__(cls) -> None:
        fields = {name: field for name, field in vars(cls).items() if isinstance(field, Field)}
        cls.numbers = {name: field.number for name, field in fields.items()}
        cls._readers = {}
        for name, field in fields.items():
            setattr(cls, name, field.default)
            for wire, reader in field.readers(name).items():
                cls._readers[field.number << 3 | wire] = reader


M = TypeVar("M", bound=Message)


def has(message: Message, name: str) -> bool:
    """Whether the bytes hold the field."""
    return name in vars(message)


def decode(cls: type[M], buffer: Any) -> M:
    """The message that a bytes-like object holds. Raises DecodeError."""
    message, view = cls(), memoryview(buffer)
    try:
        _fill(message, view, 0, len(view), 0)
    except (IndexError, struct.error) as error:
        raise DecodeError("the message ends inside a field") from error
    return message


def _fill(message: Message, view: memoryview, position: int, end: int, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise DecodeError("messages are nested too deeply")
    readers = message._readers
    while position < end:
        tag = view[position]
        position += 1
        if tag >= 0x80:
            tag, position = varint(view, position - 1)
        reader = readers.get(tag)
        if reader is None:
            position = skip(tag, view, position, end, depth)
        else:
            position = reader(message, view, position, end, depth)
    if position != end:
        raise DecodeError("a field ends after its message")


def skip(tag: int, view: memoryview, position: int, end: int, depth: int) -> int:
    """The position after a field that the message does not know."""
    number, wire = tag >> 3, tag & 7
    if not 0 < number < 1 << 29 or depth > MAX_DEPTH:
        raise DecodeError(f"invalid field number {number}")
    if wire == VARINT:
        return varint(view, position)[1]
    if wire == LENGTH:
        return span(view, position, end)[1]
    if wire in (FIXED32, FIXED64):
        return position + (4 if wire == FIXED32 else 8)
    if wire != START_GROUP:
        raise DecodeError(f"invalid wire type {wire}")
    while True:
        inner, position = varint(view, position)
        if inner == number << 3 | END_GROUP:
            return position
        position = skip(inner, view, position, end, depth + 1)


def varint(view: memoryview, position: int) -> tuple[int, int]:
    """An unsigned 64-bit number and the position after it."""
    value = shift = 0
    while True:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
        if shift == 7 * MAX_VARINT_NBYTES:
            raise DecodeError("a number is longer than ten bytes")


def span(view: memoryview, position: int, end: int) -> tuple[int, int]:
    """Begin and end of a length-delimited field."""
    length = view[position]
    position += 1
    if length >= 0x80:
        length, position = varint(view, position - 1)
    if position + length > end:
        raise DecodeError("a field is longer than its message")
    return position, position + length


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _varints(data: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The numbers that lie one after the other in `data` (uint8), int64, and the position after each."""
    last = np.flatnonzero(data < 0x80)
    first = np.concatenate((np.zeros(1, np.int64), last[:-1] + 1))[: last.size]
    length = np.minimum(last - first + 1, MAX_VARINT_NBYTES)
    values = np.zeros(last.size, np.uint64)
    for k in range(length.max(initial=0)):
        longer = np.flatnonzero(length > k)
        values[longer] |= (data[first[longer] + k] & 0x7F).astype(np.uint64) << np.uint64(7 * k)
    return values.view(np.int64), last + 1


def integer(number: int) -> Any:
    """A signed integer, boolean or enumeration."""

    def readers(name: str) -> dict[int, Reader]:
        def read(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            value, position = varint(view, position)
            setattr(message, name, _signed(value))
            return position

        return {VARINT: read}

    return Field(number, 0, readers)


def real(number: int) -> Any:
    """A float32."""

    def readers(name: str) -> dict[int, Reader]:
        def read(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            setattr(message, name, struct.unpack_from("<f", view, position)[0])
            return position + 4

        return {FIXED32: read}

    return Field(number, 0.0, readers)


def integers(number: int) -> Any:
    """Repeated integers; unsigned ones appear as the int64 of the same bits."""

    def readers(name: str) -> dict[int, Reader]:
        tag = number << 3 | VARINT

        def read_run(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            values: list[int] = []
            while len(values) < SHORT_RUN:
                value, position = varint(view, position)
                values.append(_signed(value))
                if position >= end or view[position] != tag:
                    _extend(message, name, values)
                    return position
                position += 1
            # tag, number, tag, number, ... up to the first other tag
            numbers, stops = _varints(np.frombuffer(view[position - 1 : end], np.uint8))
            pairs = numbers.size // 2
            other = np.flatnonzero(numbers[: 2 * pairs : 2] != tag)
            count = int(other[0]) if other.size else pairs
            if not count or np.diff(stops[: 2 * count], prepend=0).max() > MAX_VARINT_NBYTES:
                raise DecodeError("a number is longer than ten bytes or cut off")
            _extend(message, name, np.concatenate((values, numbers[1 : 2 * count : 2])))
            return position - 1 + int(stops[2 * count - 1])

        def read_packed(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            position, stop = span(view, position, end)
            values, stops = _varints(np.frombuffer(view[position:stop], np.uint8))
            if (stops[-1] if stops.size else 0) != stop - position:
                raise DecodeError("a packed number is cut off")
            if np.diff(stops, prepend=0).max(initial=0) > MAX_VARINT_NBYTES:
                raise DecodeError("a number is longer than ten bytes")
            _extend(message, name, values)
            return stop

        return {VARINT: read_run, LENGTH: read_packed}

    return Field(number, (), readers)


def reals(number: int, dtype: Any = np.float32) -> Any:
    """Repeated float32, or float64."""
    size: int = np.dtype(dtype).itemsize
    wire = FIXED32 if size == 4 else FIXED64

    def readers(name: str) -> dict[int, Reader]:
        tag = number << 3 | wire

        def read_run(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            rows = (end - position + 1) // (1 + size)
            if not rows:
                raise DecodeError("a number is cut off")
            records = np.frombuffer(view, np.uint8, rows * (1 + size), position - 1).reshape(rows, 1 + size)
            other = np.flatnonzero(records[:, 0] != tag)
            count = int(other[0]) if other.size else rows
            _extend(message, name, np.frombuffer(records[:count, 1:].tobytes(), dtype))
            return position - 1 + count * (1 + size)

        def read_packed(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            position, stop = span(view, position, end)
            if (stop - position) % size:
                raise DecodeError("a packed number is cut off")
            _extend(message, name, np.frombuffer(view, dtype, (stop - position) // size, position))
            return stop

        return {wire: read_run, LENGTH: read_packed}

    return Field(number, (), readers)


def _extend(message: Any, name: str, values: Any) -> None:
    """Numbers of one field usually come in one piece."""
    before = vars(message).get(name)
    setattr(message, name, values if before is None else np.concatenate((before, values)))


def _as_text(view: memoryview) -> str:
    return str(view, "utf-8", "backslashreplace")


def _single(number: int, default: Any, convert: Callable[[memoryview], Any]) -> Field:
    def readers(name: str) -> dict[int, Reader]:
        def read(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            position, stop = span(view, position, end)
            setattr(message, name, convert(view[position:stop]))
            return stop

        return {LENGTH: read}

    return Field(number, default, readers)


def _repeated(number: int, convert: Callable[[memoryview], Any]) -> Field:
    def readers(name: str) -> dict[int, Reader]:
        tag = number << 3 | LENGTH

        def read_run(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            values = vars(message).setdefault(name, [])
            while True:
                length = view[position]
                if length < 0x80 and position + length < end:
                    position, stop = position + 1, position + 1 + length
                else:
                    position, stop = span(view, position, end)
                values.append(convert(view[position:stop]))
                if stop >= end or view[stop] != tag:
                    return stop
                position = stop + 1

        return {LENGTH: read_run}

    return Field(number, (), readers)


def text(number: int) -> Any:
    """A string."""
    return _single(number, "", _as_text)


def texts(number: int) -> Any:
    """Repeated strings."""
    return _repeated(number, _as_text)


def view(number: int) -> Any:
    """Bytes, as a memoryview of the buffer."""
    return _single(number, memoryview(b""), lambda view: view)


def byte_strings(number: int) -> Any:
    """Repeated bytes."""
    return _repeated(number, bytes)


def message(number: int, cls: Callable[[], type[Message]]) -> Any:
    """A message, None where absent. A second one of the same number is merged into the first."""

    def readers(name: str) -> dict[int, Reader]:
        def read(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            position, stop = span(view, position, end)
            if name not in vars(message):
                setattr(message, name, cls()())
            _fill(getattr(message, name), view, position, stop, depth + 1)
            return stop

        return {LENGTH: read}

    return Field(number, None, readers)


def messages(number: int, cls: Callable[[], type[Message]]) -> Any:
    """Repeated messages."""

    def readers(name: str) -> dict[int, Reader]:
        def read(message: Any, view: memoryview, position: int, end: int, depth: int) -> int:
            position, stop = span(view, position, end)
            inner = cls()()
            _fill(inner, view, position, stop, depth + 1)
            vars(message).setdefault(name, []).append(inner)
            return stop

        return {LENGTH: read}

    return Field(number, (), readers)
