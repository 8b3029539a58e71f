"""Every operator in every element type that its schema lists, on the inputs of a case of onnx's own suite.

Expected is what onnx.reference gives: for floats in float64, so that a type's own rounding is all that may
differ; for other types in the type itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, ValueInfoProto, defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import jitrt
from jitrt import opdef
from jitrt.errors import JitrtError
from jitrt.types import ELEMENT_TYPES, STRING, is_float, is_integer

Array = np.ndarray[Any, Any]
DTYPES = {f"tensor({name})": np.dtype(kind) for kind, _, name in ELEMENT_TYPES.values()}
TOLERANCES = {"float64": 1e-7, "float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
SMALL_FLOAT_TOLERANCE = 0.3
LIMITS = {"int4": 7, "uint4": 15, "int2": 1, "uint2": 3}

# type variables of which the values are compared in the type itself: the outputs' type or rounding follows
EXACT = {("CastLike", "T2"), ("QuantizeLinear", "T3"), ("DynamicQuantizeLinear", "T1")}

# where onnx.reference gives no answer, or a wrong one; the families' own tests compare with another
ONE_WIDTH = "the attribute `to` is of one width"
RANDOM = "random numbers"
NO_ANSWER = "onnx.reference fails"
UNDEFINED = "negative numbers in unsigned types are undefined"
NO_ZERO_POINT = "onnx.reference leaves the zero point out; NaN as an integer is undefined"
WITHOUT_ORACLE: dict[tuple[str, str], str] = {
    ("Bernoulli", ""): RANDOM,
    ("QuantizeLinear", "float8"): NO_ZERO_POINT,
    ("QLinearMatMul", "float8"): NO_ZERO_POINT,
    ("OneHot", "object"): NO_ANSWER,
    ("Resize", "object"): NO_ANSWER,
    ("Trilu", "object"): "onnx.reference mixes strings and zeros",
    ("CastLike", "object"): "the specification writes NaN and INF in capitals",
    ("CastLike", "float8_e8m0fnu"): "infinity and negative numbers; onnx's own cases tell",
    ("MaxPool", "int8"): NO_ANSWER,
    ("OneHot", "bool"): NO_ANSWER,
    ("Resize", "bool"): NO_ANSWER,
    ("Scatter", ""): NO_ANSWER,
    ("CastLike", "uint"): UNDEFINED,
    ("GridSample", "int"): "onnx.reference truncates the weights to integers",
    ("GridSample", "uint"): "onnx.reference truncates the weights to integers",
    ("GridSample", "complex"): "compared without a tolerance",
    ("MeanVarianceNormalization", "float64"): "onnx.reference adds a float32 constant",
}

# schemas that list strings for an operator that computes with numbers, or that needs another attribute then
REFUSED = ("Col2Im", "GridSample", "TfIdfVectorizer")

OF_THE_INPUTS_TYPE = ("nodes_splits", "leaf_weights")  # attributes of tree ensembles


@dataclass
class Seed:
    """A node with its inputs in one type."""

    model: ModelProto
    version: int
    inputs: dict[str, Array]

    @property
    def node(self) -> onnx.NodeProto:
        """The only node."""
        return self.model.graph.node[0]

    def retyped(self, inputs: dict[str, Array]) -> ModelProto:
        """The model for inputs of these types; its outputs' types are open."""
        kinds = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for n, x in inputs.items()
        ]
        outputs = [ValueInfoProto(name=name) for name in self.node.output if name]
        node, dtype = onnx.NodeProto(), next(iter(inputs.values())).dtype
        node.CopyFrom(self.node)
        for attribute in node.attribute:
            if attribute.name in OF_THE_INPUTS_TYPE:
                values = numpy_helper.to_array(attribute.t).astype(np.float16)  # the same in every type
                attribute.t.CopyFrom(numpy_helper.from_array(values.astype(dtype)))
        graph = helper.make_graph([node], "g", kinds, outputs)
        opsets = {"": 24, self.node.domain: self.version}
        return helper.make_model(graph, opset_imports=[helper.make_opsetid(*o) for o in opsets.items()])


@cache
def seeds() -> dict[tuple[str, str], Seed]:
    """The first case of onnx's suite for each operator here that has tensors only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
    found: dict[tuple[str, str], Seed] = {}
    for case in cases:
        model = case.model
        if model is None or len(model.graph.node) != 1 or model.functions:
            continue
        node = model.graph.node[0]
        key = node.domain, node.op_type
        imported = next(o.version for o in model.opset_import if o.domain == node.domain)
        schema = defs.get_schema(node.op_type, node.domain)
        has_body = any(a.type == AttributeProto.GRAPH for a in node.attribute)
        if (
            key in found
            or has_body
            or imported < schema.since_version
            or opdef.lookup(*key, imported) is None
        ):
            continue
        values = [
            numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v for v in case.data_sets[0][0]
        ]
        if all(isinstance(v, (np.ndarray, np.generic)) for v in values):
            inputs = {i.name: np.array(v) for i, v in zip(model.graph.input, values, strict=True)}
            found[key] = Seed(model, schema.since_version, inputs)
    return found


def variants() -> Iterator[Any]:
    """(operator, type variable, element type) for all of them."""
    for key, seed in sorted(seeds().items()):
        schema = defs.get_schema(seed.node.op_type, seed.version, seed.node.domain)
        allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
        for variable in dict.fromkeys(variables(seed).values()):
            for kind in allowed.get(variable, [variable]):
                if kind in DTYPES:
                    dtype = DTYPES[kind]
                    yield pytest.param(key, variable, dtype, id=f"{key[1]}-{variable}-{dtype.name}")


def variables(seed: Seed) -> dict[str, str]:
    """The type variable of each input."""
    schema = defs.get_schema(seed.node.op_type, seed.version, seed.node.domain)
    formal = [schema.inputs[min(i, len(schema.inputs) - 1)] for i in range(len(seed.node.input))]
    return {n: f.type_str for n, f in zip(seed.node.input, formal, strict=True) if n}


def converted(x: Array, dtype: np.dtype[Any]) -> Array:
    """The values in another type; whole numbers of a size that it holds where it has no others."""
    if x.dtype == dtype:
        return x
    if dtype == STRING:
        return np.array([str(v) for v in x.ravel()], object).reshape(x.shape)
    if dtype.kind == "b":
        return x.astype(np.bool_)
    if is_integer(dtype):
        whole = np.rint(np.nan_to_num(x.astype(np.float64))) if is_float(x.dtype) else x.astype(np.int64)
        whole = np.abs(whole) if "uint" in dtype.name else whole
        limit = LIMITS.get(dtype.name, 127)
        whole = np.clip(whole, -limit, limit) if is_float(x.dtype) or dtype.name in LIMITS else whole
        return np.asarray(whole).astype(np.int64).astype(dtype)
    return x.astype(np.float64).astype(dtype)


def expected(seed: Seed, inputs: dict[str, Array], names: list[str], exact: bool) -> list[Any]:
    """What onnx.reference gives, in the widest type of the kind that it can do unless `exact`."""
    own = inputs[names[0]].dtype
    failure: Exception | None = None
    wider = (np.dtype(np.float64), np.dtype(np.float32), own) if is_float(own) and not exact else (own,)
    for wide in wider:
        fed = {n: x.astype(wide) if n in names else x for n, x in inputs.items()}
        try:
            return ReferenceEvaluator(seed.retyped(fed)).run(None, fed)
        except Exception as error:
            failure = error
    raise AssertionError("onnx.reference fails") from failure


def assert_equal(got: Any, wanted: Any, least: float) -> None:
    """Equal but for rounding in the type that was got, or with the tolerance `least`."""
    if isinstance(got, list):
        for mine, theirs in zip(got, wanted, strict=True):
            assert_equal(mine, theirs, least)
        return
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    if not is_float(got.dtype):
        wanted = np.trunc(wanted.astype(np.float64)) if is_float(wanted.dtype) else wanted
        np.testing.assert_array_equal(got, wanted.astype(got.dtype))
        return
    tolerance = max(least, TOLERANCES.get(got.dtype.name, SMALL_FLOAT_TOLERANCE))
    got, wanted = got.astype(np.float64), wanted.astype(got.dtype).astype(np.float64)
    scale = max(1.0, np.max(np.abs(wanted), initial=0, where=np.isfinite(wanted)) / 10)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("key", "variable", "dtype"), variants())
def test_type(key: tuple[str, str], variable: str, dtype: np.dtype[Any]) -> None:
    seed = seeds()[key]
    names = [name for name, kind in variables(seed).items() if kind == variable]
    if STRING in {seed.inputs[n].dtype for n in names} and dtype != STRING:
        pytest.skip("text has no value in another type")
    inputs = {n: converted(x, dtype) if n in names else x for n, x in seed.inputs.items()}
    if key[1] == "BitCast" and dtype.itemsize != seed.inputs[names[0]].itemsize:
        pytest.skip(ONE_WIDTH)
    session = jitrt.InferenceSession(seed.retyped(inputs).SerializeToString())
    if dtype == STRING and key[1] in REFUSED:
        with pytest.raises(JitrtError, match="strings"):
            session.run(None, inputs)
        return
    got = session.run(None, inputs)
    if any(key[1] == op and dtype.name.startswith(kind) for op, kind in WITHOUT_ORACLE):
        return
    exact = (key[1], variable) in EXACT
    least = TOLERANCES.get(dtype.name, 0.0)
    for mine, theirs in zip(got, expected(seed, inputs, names, exact), strict=True):
        if theirs is not None:
            assert_equal(mine, theirs, least)
