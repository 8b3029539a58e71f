"""Models in ONNX's textual syntax, and what probes do with them. https://onnx.ai/onnx/repo-docs/Syntax.html"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import parser

TWELVE = ", ".join(["1"] * 12)
HEADER = '<ir_version: 10, opset_import: ["": {opset}]{more}>'


def model(text: str, opset: int = 17, more: str = "") -> bytes:
    """A model from its graph's text; `more` adds to its header."""
    header = HEADER.format(opset=opset, more=more and f", {more}")
    return parser.parse_model(f"{header} {text}").SerializeToString()


AFFINE = model(
    "g (float[batch,4] x, float[3] b) => (float[batch,3] y) "
    f"<float[4,3] w = {{{TWELVE}}}> {{ m = MatMul(x, w)\n y = Add(m, b) }}"
)
RELU = model("g (float[n] x) => (float[n] y) { y = Relu(x) }")
TWO_OUTPUTS = model("g (float[n] x) => (float[n] y, float[n] z) { y = Relu(x)\n z = Neg(x) }")
STRINGS = model("g (string[n] x) => (string[n] y) { y = Identity(x) }")
SEQUENCE = model("g (seq(float[n]) x) => (seq(float[n]) y) { y = Identity(x) }")
OPTIONAL = model("g (optional(float[n]) x) => (bool y) { y = OptionalHasElement(x) }", 18)
OVERRIDABLE = model("g (float[n] x, float[1] w = {10}) => (float[n] y) { y = Add(x, w) }")
INTEGERS = model("g (int64[n] x) => (int64[n] y) { y = Neg(x) }")
BOOLEANS = model("g (bool[n] x) => (bool[n] y) { y = Not(x) }")
HALVES = model("g (float16[n] x) => (float16[n] y) { y = Relu(x) }")
DESCRIBED = model(
    "g (float[n] x) => (float[n] y) { y = Relu(x) }",
    more='producer_name: "me", producer_version: "1.0", domain: "my.domain", model_version: 7, '
    'doc_string: "what it does", metadata_props: ["key": "value", "other": "thing"]',
)


def ones(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """An array of ones."""
    return np.ones(shape, dtype)


def feed(**changes: Any) -> dict[str, Any]:
    """A feed of AFFINE."""
    return {"x": ones(2, 4), "b": np.zeros(3, np.float32), **changes}


def session(ort: Any, source: Any = AFFINE, options: Any = None, **more: Any) -> Any:
    """A session on the CPU."""
    return ort.InferenceSession(source, options, **{"providers": ["CPUExecutionProvider"], **more})


def run(ort: Any, source: bytes = AFFINE, names: Any = None, **feeds: Any) -> Any:
    """The results of a model for inputs by name."""
    return session(ort, source).run(names, feeds)


def each(values: Any, function: Any) -> list[Any]:
    """What a function gives for each of some values, or the class that it raises and the message."""
    found = []
    for value in values:
        try:
            found.append(function(value))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found
