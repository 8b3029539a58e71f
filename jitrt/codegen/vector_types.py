"""Element types as LLVM spells them, in registers and in memory, and constants of them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from jitrt.expr import Dtype
from jitrt.types import BF16, BOOL, F16, F32, F64, is_small, short_name


def element(dtype: Dtype) -> str:
    """The register type of one element. Raises NotImplementedError for a type without arithmetic here."""
    if dtype == BOOL:
        return "i1"
    if is_small(dtype):
        return "i8"
    if dtype.kind in "iu":
        return f"i{8 * dtype.itemsize}"
    if dtype in (F32, F16, BF16):
        return "float"
    if dtype == F64:
        return "double"
    raise NotImplementedError(f"no vector code for element type {short_name(dtype)}")


def memory_element(dtype: Dtype) -> str:
    """The type of one element in memory."""
    special = {BOOL: "i8", F16: "half", BF16: "i16"}
    return special.get(dtype) or element(dtype)


def vector(element_type: str, lanes: int) -> str:
    """The type of `lanes` elements; one lane is a scalar."""
    return element_type if lanes == 1 else f"<{lanes} x {element_type}>"


def suffix(element_type: str, lanes: int) -> str:
    """The ending of an overloaded intrinsic's name, such as v16f32."""
    short = {"float": "f32", "double": "f64", "half": "f16"}.get(element_type, element_type)
    return short if lanes == 1 else f"v{lanes}{short}"


def literal(value: Any, dtype: Dtype, lanes: int) -> str:
    """A constant in every lane."""
    kind = element(dtype)
    if kind == "i1":
        text = "true" if value else "false"
    elif is_small(dtype):
        text = str(np.asarray(value, dtype).view(np.uint8)[()])
    elif kind in ("float", "double"):
        rounded = float(np.float32(value)) if kind == "float" else float(value)
        text = f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    else:
        text = str(int(value))
    return text if lanes == 1 else f"splat ({kind} {text})"
