"""Trigonometric and hyperbolic functions against NumPy in float64."""

import numpy as np
from oracle import FLOATS, Case, normal, table

ANYWHERE = {
    **{"Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh},
    **{"Tanh": np.tanh, "Asinh": np.arcsinh},
}
WITHIN_ONE = {"Asin": np.arcsin, "Acos": np.arccos, "Atanh": np.arctanh}
CASES = [
    Case(op, [normal(3, 17, dtype=t)], expected=f, tolerance=8) for op, f in ANYWHERE.items() for t in FLOATS
]
CASES += [
    Case(op, [np.linspace(-0.97, 0.97, 43).astype(t)], expected=f, tolerance=8)
    for op, f in WITHIN_ONE.items()
    for t in FLOATS
]
CASES += [Case("Acosh", [np.linspace(1, 9, 43).astype(t)], expected=np.arccosh, tolerance=8) for t in FLOATS]
OUTSIDE = np.array([-2.0, 2.0, np.nan, np.inf], np.float32)
CASES += [Case(op, [OUTSIDE], expected=f) for op, f in {**WITHIN_ONE, "Acosh": np.arccosh}.items()]


@table(CASES)
def test_trigonometry(case):
    case.check()
