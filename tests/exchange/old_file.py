"""How files of 2017 to 2019 are put together, for `old_exporters` and `old_converters`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

node = helper.make_node
Array = np.ndarray[Any, Any]
FILES: list[Callable[[], Old]] = []


@dataclass(frozen=True)
class Old:
    """A model, the shape of its input, and the function from that input to the outputs."""

    model: ModelProto
    shape: tuple[int, ...]
    compute: Callable[[Array], Sequence[Array]]


def old(function: Callable[[], Old]) -> Callable[[], Old]:
    FILES.append(function)
    return function


def weights(seed: int, **shapes: Sequence[int]) -> dict[str, Array]:
    """Normally distributed weights of such shapes, smaller where they are many."""
    rng = np.random.default_rng(seed)
    return {
        n: (rng.standard_normal(s) / max(1, np.prod(s[1:])) ** 0.5).astype(np.float32)
        for n, s in shapes.items()
    }


def file(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Mapping[str, Sequence[Any] | None],
    constants: Mapping[str, Array],
    *,
    opset: int | None,
    ir: int = 3,
    producer: str,
) -> ModelProto:
    """A model whose weights are listed among its inputs, weights first as the exporters did."""
    info, kinds = helper.make_tensor_value_info, helper.np_dtype_to_tensor_dtype
    listed = [info(n, kinds(v.dtype), v.shape) for n, v in constants.items()]
    graph = helper.make_graph(
        list(nodes),
        producer,
        [*listed, *(info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items())],
        [info(n, TensorProto.FLOAT, None if s is None else list(s)) for n, s in outputs.items()],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = ModelProto(ir_version=ir, producer_name=producer, graph=graph)
    if opset is not None:
        model.opset_import.add(version=opset)
    return model
