"""Strings and complex numbers in operators that sum or pick elements: by runs on numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitrt.opdef import Operator
from jitrt.types import STRING

from ._host_forms import host_form


def host_form_by_parts(*entries: Operator, picks: Callable[..., bool]) -> None:
    """Give operators that are linear but for a constant a NumPy form: real and imaginary parts apart.

    Where an operator only picks elements, or none, as `picks` tells from its attributes, strings go too.
    """
    for entry in entries:
        host_form(entry)(_by_parts(entry, picks))


def _by_parts(entry: Operator, picks: Callable[..., bool]) -> Callable[..., Any]:
    def form(X: Any, *others: Any, **attributes: Any) -> Any:
        from jitrt.eager import call  # which imports the operators

        def run(X: Any) -> Any:
            return call(entry.name, X, *others, domain=entry.domain, version=entry.since, **attributes)

        if X.dtype != STRING:
            imaginary = run(X.imag) - run(np.zeros_like(X.imag))
            return (run(X.real) + 1j * imaginary).astype(X.dtype)
        if not picks(**entry.attributes | attributes):
            raise ValueError(f"{entry.name} computes with its input, which holds strings")
        places = run(np.arange(1, X.size + 1).reshape(X.shape))
        return np.concatenate([np.array([""], STRING), X.ravel()])[places]

    return form
