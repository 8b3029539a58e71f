"""A session as a function of JAX or TensorFlow, and how such functions take their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.ortvalue import OrtValue
from jitrt.types import STRING, TensorType

if TYPE_CHECKING:
    from jitrt.session import InferenceSession

Arrays = tuple[np.ndarray[Any, Any], ...]


def named_feeds(session: InferenceSession, inputs: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names of the session's inputs, positional ones in their order.

    Raises TypeError as the call of a Python function does.
    """
    names = [argument.name for argument in session.get_inputs()]
    if len(inputs) > len(names):
        raise TypeError(f"the model takes {len(names)} inputs ({', '.join(names)}), got {len(inputs)}")
    feeds = dict(zip(names, inputs, strict=False))
    twice = feeds.keys() & named.keys()
    if twice:
        raise TypeError(f"input {twice.pop()!r} is given by position and by name")
    return {**feeds, **named}


def as_jax_function(session: InferenceSession) -> Callable[..., Any]:
    """What `InferenceSession.as_jax_function` gives. Imports JAX."""
    import jax

    declared = _tensor_types(session, [*session.graph.inputs, *session.graph.outputs])
    canonical = jax.dtypes.canonicalize_dtype  # of int64 it is int32, unless jax_enable_x64 is set

    def compute(feeds: Mapping[str, Any]) -> Arrays:
        wide = {}
        for name, value in feeds.items():
            dtype = declared[name].dtype if name in declared else value.dtype
            narrowed = value.dtype != dtype and value.dtype == canonical(dtype)
            wide[name] = np.asarray(value).astype(dtype) if narrowed else value
        results: Arrays = tuple(session.run(None, wide))
        return tuple(y.astype(canonical(y.dtype), copy=False) for y in results)

    def traced(feeds: Mapping[str, Any]) -> Any:
        results = compute({name: np.zeros(x.shape, x.dtype) for name, x in feeds.items()})
        shapes = tuple(jax.ShapeDtypeStruct(y.shape, y.dtype) for y in results)

        def callback(*values: Any) -> Arrays:
            return compute(dict(zip(feeds, map(np.asarray, values), strict=True)))

        return jax.pure_callback(callback, shapes, *feeds.values(), vmap_method="sequential")

    def function(*inputs: Any, **named: Any) -> Any:
        feeds = {n: jax.numpy.asarray(x) for n, x in named_feeds(session, inputs, named).items()}
        if any(isinstance(x, jax.core.Tracer) for x in feeds.values()):
            results = traced(feeds)
        else:
            results = [jax.dlpack.from_dlpack(OrtValue(y)) for y in compute(feeds)]
        return results[0] if len(results) == 1 else tuple(results)

    return function


def as_tensorflow_function(session: InferenceSession) -> Callable[..., Any]:
    """What `InferenceSession.as_tensorflow_function` gives. Imports TensorFlow."""
    import tensorflow as tf

    graph = session.graph
    declared = _tensor_types(session, [*graph.inputs, *graph.outputs])
    types = {n: tf.string if t.dtype == STRING else tf.as_dtype(t.dtype) for n, t in declared.items()}

    def function(*inputs: Any, **named: Any) -> Any:
        feeds = named_feeds(session, inputs, named)
        tensors = [tf.convert_to_tensor(x, types.get(name)) for name, x in feeds.items()]

        def compute(*values: Any) -> Any:
            return session.run(None, dict(zip(feeds, map(_decoded, values), strict=True)))

        wanted = [types[name] for name in graph.outputs]
        results = tf.nest.flatten(tf.numpy_function(compute, tensors, wanted, stateful=False))
        for name, y in zip(graph.outputs, results, strict=True):
            shape = declared[name].shape
            y.set_shape(None if shape is None else [d if isinstance(d, int) else None for d in shape])
        return results[0] if len(results) == 1 else tuple(results)

    return function


def _tensor_types(session: InferenceSession, names: Sequence[str]) -> dict[str, TensorType]:
    """What is declared of each. Raises TypeError for a sequence or map."""
    types = {name: session.graph.types.get(name) for name in names}
    for name, declared in types.items():
        if not isinstance(declared, TensorType):
            raise TypeError(f"{name} is {declared}: only tensors pass between frameworks")
    return {name: declared for name, declared in types.items() if isinstance(declared, TensorType)}


def _decoded(array: Any) -> Any:
    """Strings, which TensorFlow hands over as bytes, as str."""
    if getattr(array, "dtype", None) != STRING:
        return array
    return np.array([text.decode() for text in array.flat], STRING).reshape(array.shape)
