"""A model's bytes without the data of its large tensors: what tells its graph apart from others.

A file of gigabytes has a skeleton of kilobytes, quick to hash and to read, types and shapes included.
"""

from __future__ import annotations

from typing import Any

from jitrt.wire import LENGTH, skip, span, varint

LARGE = 4096  # bytes: shapes and other parameters of operators are smaller

# kind of message -> number of a field -> kind of the messages in it
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_LISTS = "attribute", "tensor"  # which may be many numbers or strings, one field each
_MANY = 64  # fields: from there on they are that
# fields that are left out where they are large: a tensor's data, what exporters note about a node
_LEFT_OUT = {"tensor": {4, 5, 6, 7, 9, 10, 11}, "node": {6, 9}, "graph": {10, 16}, "model": {6, 14}}


def skeleton(model: Any) -> bytes:
    """The bytes of a ModelProto, from a bytes-like object with those of one that `wire.decode` has read."""
    view = memoryview(model)
    return _without_data(view, 0, len(view), "model")


def _without_data(view: memoryview, position: int, end: int, kind: str) -> bytes:
    kept: list[bytes | memoryview] = []
    start = position  # of what is kept next
    small = 0
    while position < end and (small < _MANY or kind not in _LISTS):
        field = position
        tag, position = varint(view, position)
        if tag & 7 != LENGTH:
            position = skip(tag, view, position, end, 0)
            small += 1
            continue
        begin, position = span(view, position, end)
        if position - begin <= LARGE:
            small += 1
            continue
        inner = _MESSAGES[kind].get(tag >> 3)
        if inner is not None:
            body = _without_data(view, begin, position, inner)
            kept += [view[start:field], _as_varint(tag), _as_varint(len(body)), body]
            start = position
        elif tag >> 3 in _LEFT_OUT.get(kind, ()):
            kept.append(view[start:field])
            start = position
    return b"".join([*kept, view[start:end]])


def _as_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
