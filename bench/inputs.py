"""Inputs drawn from a model's declared shapes, and variants of them with other sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, TensorShapeProto, helper

from bench.engines import Feeds

Shapes = dict[str, tuple[int, ...]]
Declared = dict[str, tuple[int, list[int | str | None]]]


def declared_inputs(model: ModelProto) -> Declared:
    """Element type and dimensions of each input that has no default; None is a dimension without a name."""
    defaults = {tensor.name for tensor in model.graph.initializer}
    declared: Declared = {}
    for value in model.graph.input:
        if value.name not in defaults:
            tensor = value.type.tensor_type
            declared[value.name] = tensor.elem_type, [_dimension(dim) for dim in tensor.shape.dim]
    return declared


def _dimension(dim: TensorShapeProto.Dimension) -> int | str | None:
    # exporters write 0, -1 and "?" for an unknown size
    return dim.dim_value if dim.dim_value > 0 else dim.dim_param.strip("?") or None


def draw(model: ModelProto, shapes: Shapes) -> Feeds:
    """Random inputs of the sizes in `shapes`, else 1 for a leading axis, 224 for pixels, 64 for other axes.

    Raises ValueError for a shape given to an input that the model has not.
    """
    declared = declared_inputs(model)
    if unknown := shapes.keys() - declared.keys():
        raise ValueError(f"no input named {', '.join(sorted(unknown))}; inputs: {', '.join(declared)}")
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        pairs = zip(declared[name][1], shape, strict=False)
        sizes |= {dim: size for dim, size in pairs if isinstance(dim, str)}

    def default_size(dim: int | str | None, axis: int, rank: int) -> int:
        fallback = 1 if axis == 0 else 224 if rank == 4 and axis > 1 else 64
        if isinstance(dim, int):
            return dim
        return sizes.setdefault(dim, fallback) if dim else fallback

    random = np.random.default_rng(0)
    feeds = {}
    for name, (code, dims) in declared.items():
        default = tuple(default_size(dim, axis, len(dims)) for axis, dim in enumerate(dims))
        feeds[name] = _values(random, name, code, shapes.get(name, default))
    return feeds


def _values(
    random: np.random.Generator, name: str, code: int, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Normal floats; integers that are valid as a mask or an index, or an audio sampling rate; letters."""
    if code == TensorProto.STRING:
        return random.choice(list("abcdefgh"), shape).astype(object)
    dtype = helper.tensor_dtype_to_np_dtype(code)
    if name in ("sr", "sample_rate"):
        return np.full(shape, 16000, dtype)
    if dtype.kind in "iub":
        return np.ones(shape, dtype) if "mask" in name else random.integers(0, 2, shape).astype(dtype)
    return np.asarray(random.standard_normal(shape)).astype(dtype)


def other_shapes(model: ModelProto, known: list[Feeds], count: int) -> list[Feeds]:
    """Up to `count` variants of the first inputs, one dynamic dimension changed, unlike any known shapes."""
    seen = {signature(feeds) for feeds in known}
    fresh = (feeds for feeds in _variants(declared_inputs(model), known[0]) if signature(feeds) not in seen)
    return list(islice(fresh, count))


def signature(feeds: Feeds) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The inputs' names and shapes."""
    return tuple((name, array.shape) for name, array in sorted(feeds.items()))


def _variants(declared: Declared, feeds: Feeds) -> Iterator[Feeds]:
    # unnamed dimensions of one size are most likely the same dimension: the batch of every input
    axes: dict[int | str, list[tuple[str, int]]] = {}
    for name, (_, dims) in declared.items():
        for axis, dim in enumerate(dims):
            if not isinstance(dim, int):
                axes.setdefault(dim or feeds[name].shape[axis], []).append((name, axis))
    for step in (1, 2):
        for group in axes.values():
            changed = dict(feeds)
            for name, axis in group:
                changed[name] = _resize(changed[name], axis, step)
            yield changed


def _resize(array: np.ndarray[Any, Any], axis: int, step: int) -> np.ndarray[Any, Any]:
    """Fewer elements where there are many (by 32, for strided networks), else more; values repeat."""
    size = array.shape[axis]
    wanted = size - 32 * step if size >= 96 else size + step
    return np.take(array, np.arange(wanted) % max(size, 1), axis) if size else array
