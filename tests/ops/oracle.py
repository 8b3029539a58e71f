"""Cases for operator tests, and what to compare their results with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

import jitrt

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = (np.float32, np.float64, np.float16, BF16)
SIGNED = (np.int8, np.int16, np.int32, np.int64)
UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)
TOLERANCES = {"float32": 2e-6, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}


@dataclass
class Case:
    """An operator, its inputs and attributes; `expected` gives NumPy's answer, None asks onnx.reference."""

    op: str
    inputs: Sequence[Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    expected: Callable[..., Any] | None = None
    version: int = 24
    domain: str = ""
    outputs: int = 1
    tolerance: float = 1.0  # times that of the type

    def __str__(self) -> str:
        shapes = "_".join(describe(x) for x in self.inputs)
        options = "_".join(f"{k}={v}" for k, v in self.attributes.items() if not isinstance(v, np.ndarray))
        return f"{self.op}{self.version}-{shapes}-{options}".replace(" ", "")

    def check(self) -> None:
        """Run the operator and compare every output."""
        got = jitrt.call(
            self.op,
            *self.inputs,
            domain=self.domain,
            version=self.version,
            outputs=self.outputs,
            **self.attributes,
        )
        if self.expected is None:
            wanted = reference(self)
        else:
            with np.errstate(all="ignore"):
                wanted = self.expected(*map(widened, self.inputs), **self.attributes)
        got = [got] if self.outputs == 1 else got
        wanted = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        for mine, theirs in zip(got, wanted, strict=True):
            compare(mine, np.asarray(theirs), self.tolerance)


def describe(x: Any) -> str:
    """`float32[2,3]` for an array."""
    if x is None:
        return "none"
    array = np.asarray(x)
    return f"{array.dtype.name}[{','.join(map(str, array.shape))}]"


def widened(x: Any) -> Any:
    """Floats in float64, to compute the expected result without rounding on the way."""
    if isinstance(x, np.ndarray) and (x.dtype.kind == "f" or x.dtype == BF16):
        return x.astype(np.float64)
    return x


def compare(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], tolerance: float = 1.0) -> None:
    """Equal shapes and values; floats within the tolerance of the type that `got` has."""
    assert got.shape == wanted.shape
    limit = TOLERANCES.get(got.dtype.name)
    if limit is None:
        np.testing.assert_array_equal(got, wanted.astype(got.dtype))
        return
    limit *= tolerance
    with np.errstate(over="ignore"):
        rounded = wanted.astype(got.dtype).astype(np.float64)
    np.testing.assert_allclose(got.astype(np.float64), rounded, rtol=limit, atol=limit)


def reference(case: Case) -> list[Any]:
    """The outputs that onnx.reference computes."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain=case.domain, **case.attributes)
    feed = {n: np.asarray(x) for n, x in zip(names, case.inputs, strict=True) if n}
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for n, x in feed.items()
    ]
    untyped = [onnx.ValueInfoProto(name=n) for n in outputs]
    graph = helper.make_graph([node], "case", inputs, untyped)
    opsets = [helper.make_opsetid(case.domain, case.version)]
    return ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets)).run(None, feed)


def table(*groups: Sequence[Case]) -> pytest.MarkDecorator:
    """Parametrise a test over cases."""
    cases = [case for group in groups for case in group]
    return pytest.mark.parametrize("case", cases, ids=[f"{i}-{case}" for i, case in enumerate(cases)])


def normal(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normally distributed numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def integers(
    *shape: int, dtype: Any = np.int64, low: int = -9, high: int = 9, seed: int = 0
) -> np.ndarray[Any, Any]:
    """Integers from low to high, both included; from 0 for unsigned types."""
    first = 0 if np.dtype(dtype).kind == "u" else low
    return np.random.default_rng(seed).integers(first, high, shape, endpoint=True).astype(dtype)


def int64s(*values: int) -> np.ndarray[Any, Any]:
    """A vector of int64, as shapes and axes are given."""
    return np.array(values, np.int64)
