"""Hashes of what Python functions compute."""

import numpy as np
import pytest

from jitrt.codegen.fingerprint import fingerprint


def source(text):
    """The function `f` that a module's source defines."""
    scope = {}
    exec(compile(text, "<test>", "exec"), scope)
    return scope["f"]


BASE = "N = 3\ndef g(x):\n    return x + 1\ndef f(Y, begin, end):\n    Y[begin] = g(N)\n"


def test_fingerprint_ignores_what_changes_nothing():
    assert fingerprint(source(BASE)) == fingerprint(source("# a comment\n\n" + BASE + "\nunused = 4\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("N = 3", "N = 4"),
        ("N = 3", "N = 3.0"),
        ("x + 1", "x + 2"),
        ("x + 1", "x - 1"),
        ("Y[begin]", "Y[end]"),
        ("def g(x)", "import math\ndef g(x, y=math.pi)"),
    ],
)
def test_fingerprint_sees_code_constants_and_callees(old, new):
    assert fingerprint(source(BASE)) != fingerprint(source(BASE.replace(old, new)))


def test_fingerprint_sees_closures_and_arrays():
    def make(table):
        def f(Y, begin, end):
            Y[begin] = table[end]

        return f

    assert fingerprint(make(np.arange(3))) == fingerprint(make(np.arange(3)))
    assert fingerprint(make(np.arange(3))) != fingerprint(make(np.arange(3) + 1))
    assert fingerprint(make((1, 2))) != fingerprint(make((1, 3)))
