"""Every registered elementwise operator as a kernel of its own, in types that its schema allows."""

from __future__ import annotations

import inspect

import numpy as np
import onnx.defs
from kernels import Array, Case, case

from jitrt.expr import Dtype, load
from jitrt.opdef import Operator, operators
from jitrt.types import BOOL, F32, I32, U8, ort_name, short_name

FLOAT_ONLY = ("Erf",)  # the schema allows integers, for which it says nothing
PREFERENCES = ((F32, BOOL, U8), (I32, U8, BOOL))


def input_types(operator: Operator, preference: tuple[Dtype, ...]) -> list[Dtype]:
    """The first preferred type that the schema allows for each input; equal type variables agree."""
    schema = onnx.defs.get_schema(operator.name, operator.since, operator.domain)
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    variadic = any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(operator.scalar).parameters.values())
    formal = [schema.inputs[0]] * 3 if variadic else schema.inputs
    types = []
    for parameter in formal:
        names = allowed.get(parameter.type_str, [parameter.type_str])
        types.append(next(t for t in preference if ort_name(t) in names))
    return types


def required_attributes(operator: Operator, types: list[Dtype]) -> dict[str, object]:
    """The attributes without which the operator is not defined."""
    if operator.name == "BitShift":
        return {"direction": "LEFT"}
    return {"fmod": 1} if operator.name == "Mod" and I32 not in types else {}


def values(dtype: Dtype, random: np.random.Generator) -> Array:
    """Numbers around zero, half of them negative where the type has a sign."""
    if dtype == BOOL:
        return random.random(70) < 0.5
    if dtype == F32:
        return np.concatenate([random.standard_normal(60) * 2, np.linspace(-1, 1, 10)]).astype(dtype)
    low = -9 if dtype.kind == "i" else 0
    return random.integers(low, 9, 70).astype(dtype)


def has_schema(operator: Operator) -> bool:
    """Whether ONNX still knows the version; those on trial until 1.4 are gone."""
    try:
        onnx.defs.get_schema(operator.name, operator.since)
    except onnx.defs.SchemaError:
        return False
    return True


def operator_cases() -> list[Case]:
    """One case per operator, version and choice of types that the schema has."""
    random = np.random.default_rng(5)
    cases = {}
    for operator in operators():
        if operator.scalar is None or operator.domain or not has_schema(operator):
            continue
        for preference in PREFERENCES:
            try:
                types = input_types(operator, preference)
            except StopIteration:
                continue
            if operator.name in FLOAT_ONLY and I32 in types:
                continue
            attributes = required_attributes(operator, types)
            root = operator.scalar(*(load(i, t) for i, t in enumerate(types)), **attributes)
            name = "_".join([operator.name.lower(), str(operator.since), *map(short_name, types)])
            inputs = [values(t, random) for t in types]
            cases[name] = case(f"op_{name}", [root], inputs, tolerance=3e-6)
    return list(cases.values())
