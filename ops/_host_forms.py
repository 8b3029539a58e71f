"""NumPy forms of operators for the types that no kernel reads: strings and complex numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from jitrt.dims import Dim, concrete
from jitrt.opdef import Operator
from jitrt.tensor import Concat, Constant, Input, Tensor, View, constant, operands_of
from jitrt.types import HOST_TYPES, STRING

Array = np.ndarray[Any, Any]
Form = Callable[..., Any]


def host_form(*entries: Operator) -> Callable[[Form], Form]:
    """Decorator: what the operators do to strings and complex numbers; other types fold by the definition."""

    def register(form: Form) -> Form:
        @wraps(form)
        def numpy(*inputs: Any, **attributes: Any) -> Any:
            return form(*inputs, **attributes) if _are_for_host(inputs) else NotImplemented

        for entry in entries:
            entry.numpy(numpy)
        return form

    return register


def _are_for_host(inputs: Sequence[Any]) -> bool:
    given = [x for x in inputs if x is not None]
    return any(x.dtype in HOST_TYPES for x in given) and not any(map(has_sizes, given))


def has_sizes(x: Array) -> bool:
    """Whether an object array holds symbolic sizes, and no strings."""
    return x.dtype == STRING and x.size > 0 and isinstance(x.flat[0], (int, Dim, np.integer))


def zero(dtype: np.dtype[Any]) -> Array:
    """What stands for nothing: 0, or the empty string."""
    return np.array("" if dtype == STRING else 0, dtype)


def host_form_by_views(*entries: Operator) -> None:
    """Give operators whose definition only makes views and joins them a NumPy form: the same views."""
    for entry in entries:
        entry.gives_strings = True
        entry.prepared(partial(_by_views, entry))


def _by_views(entry: Operator, **attributes: Any) -> Form:
    known: dict[Any, Sequence[Tensor]] = {}  # the views, by all that they depend on

    def form(*inputs: Any) -> Any:
        key = tuple([_view_key(x) for x in inputs])
        tensors = known.get(key)
        if tensors is None:
            if not _are_for_host(inputs):
                return NotImplemented
            operands = [None if x is None else _operand(x, i) for i, x in enumerate(inputs)]
            made = entry.definition(*operands, **attributes)
            known.clear()
            known[key] = tensors = [made] if isinstance(made, Tensor) else made
        if len(tensors) > 1:
            return [_value(t, inputs, {}) for t in tensors]
        return _value(tensors[0], inputs, {})

    return form


def _view_key(x: Array | None) -> Any:
    if x is None:
        return None
    return (x.dtype, x.shape, None if x.dtype in HOST_TYPES else x.tobytes())


def _operand(x: Array, index: int) -> Tensor:
    return Tensor(x.dtype, x.shape, Input(index)) if x.dtype in HOST_TYPES else constant(x)


def _value(t: Tensor, inputs: Sequence[Any], made: dict[int, Array]) -> Array:
    """The value of views of the inputs."""
    if isinstance(t.source, Input):
        return inputs[t.source.index]
    if id(t) not in made:
        made[id(t)] = _view(t, [_value(x, inputs, made) for x in operands_of(t)], inputs)
    return made[id(t)]


def _view(t: Tensor, operands: list[Array], inputs: Sequence[Any]) -> Array:
    match t.source:
        case Constant() if t.value is not None:
            return t.value
        case Concat(axis=axis):
            return np.concatenate(operands, axis)
        case View(kind="reshape"):
            return operands[0].reshape(concrete(t.shape))
        case View(kind="permute", parameters=order):
            return operands[0].transpose(order)
        case View(kind="expand"):
            return np.broadcast_to(operands[0], concrete(t.shape))
        case View(kind="slice", parameters=(axis, start, step)):
            return np.take(operands[0], start + step * np.arange(t.shape[axis]), axis)
    raise NotImplementedError(f"{t!r} of strings or complex numbers")
