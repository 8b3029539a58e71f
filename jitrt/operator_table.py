"""The table of operators that `jitrt ops` prints, made from the registry."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from jitrt import opdef
from jitrt.types import ELEMENT_TYPES

# names for element types that mostly come together
GROUPS = {
    "floats": ("f16", "bf16", "f32", "f64"),
    "integers": ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"),
    "float8": ("f8e4m3fn", "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz"),
    "4-bit": ("i4", "u4", "f4e2m1"),
    "2-bit": ("i2", "u2"),
    "6-bit": ("f6e2m3", "f6e3m2"),
    "complex": ("c64", "c128"),
}
HEADER = ("operator", "versions", "types", "backends", "defined in")


class Row(NamedTuple):
    """An operator: all versions that have a definition of their own, and where the newest one is."""

    operator: str
    versions: str
    types: str
    backends: str
    location: str


def operator_rows(pattern: str = "") -> list[Row]:
    """A row for every operator with `pattern` in its name. Imports `onnx`, whose schemas tell the types."""
    entries = [e for e in opdef.operators() if pattern.lower() in e.name.lower()]
    entries.sort(key=lambda e: (e.domain, e.name, e.since))
    rows = []
    for (domain, name), group in groupby(entries, lambda e: (e.domain, e.name)):
        versions = list(group)
        newest = versions[-1]
        full = f"{domain}.{name}" if domain else name
        numbers = ", ".join(str(e.since) for e in versions)
        rows.append(Row(full, numbers, _types(newest), _backends(newest), _nearby(newest.location)))
    return rows


def as_text(rows: Sequence[Row]) -> str:
    """Aligned columns."""
    table = [HEADER, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)


def as_markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; files without lines, which change too often for a page."""
    folder = Path(importlib.import_module("jitrt.ops").__path__[0]).absolute()
    lines = ["| " + " | ".join(HEADER) + " |", "|---" * len(HEADER) + "|"]
    for row in rows:
        path = Path(row.location.rpartition(":")[0]).absolute()
        name = path.relative_to(folder.parent).as_posix()
        lines.append(f"| {' | '.join(row[:-1])} | `{name}` |")
    return "\n".join(lines)


def _types(entry: opdef.Operator) -> str:
    """The element types of the inputs, in groups; empty for an operator that ONNX has no schema of."""
    from onnx import defs

    try:
        schema = defs.get_schema(entry.name, 10_000, entry.domain)
    except defs.SchemaError:
        return ""
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    kinds = {kind for formal in schema.inputs for kind in allowed.get(formal.type_str, [formal.type_str])}
    shorts = {f"tensor({long})": short for _, short, long in ELEMENT_TYPES.values()}
    left = [short for kind, short in shorts.items() if kind in kinds]
    others = sorted({kind.partition("(")[0] for kind in kinds - shorts.keys()})
    found = []
    for name, members in GROUPS.items():
        if set(members) <= set(left):
            found.append(name)
            left = [short for short in left if short not in members]
    return " ".join([*found, *left, *others])


def _backends(entry: opdef.Operator) -> str:
    if entry.host:
        return "Python"
    return "CPU, CUDA" if entry.scalar is not None or entry.cuda is not None else "CPU"


def _nearby(location: str) -> str:
    """The location relative to the working directory, where it is below that."""
    path = Path(location)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else location
