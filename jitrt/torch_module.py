"""A session as a module of PyTorch; `InferenceSession.as_torch_module` gives it. Imports PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jitrt.bridges import named_feeds
from jitrt.dlpack import to_dlpack
from jitrt.types import STRING

if TYPE_CHECKING:
    from jitrt.session import InferenceSession


class TorchModule(torch.nn.Module):  # type: ignore[misc]
    """Runs a session on tensors in host memory, which both sides share: nothing is copied.

    Called with tensors in the order of the session's inputs, or by name, it gives a tensor, or a tuple where
    the model has several outputs; strings stay NumPy arrays, sequences are lists. It has no parameters: the
    model's weights are constants. `torch.save` and copies keep the model's path or bytes.

    There are no gradients: where an input requires one, so do the results, and `backward` through them raises
    RuntimeError; `torch.no_grad()` or `detach()` says that none is wanted. Raises RuntimeError for a tensor
    on another device, and what `InferenceSession.run` raises.
    """

    def __init__(self, session: InferenceSession) -> None:
        super().__init__()
        self.session = session

    def forward(self, /, *inputs: Any, **named: Any) -> Any:
        """The outputs for the inputs."""
        feeds = named_feeds(self.session, inputs, named)
        # torch.compile leaves the call alone; the decorator, which says so too, takes a second to import
        run = torch.compiler.disable(_run) if torch.compiler.is_compiling() else _run
        results = run(self.session, feeds)
        return results[0] if len(results) == 1 else results

    def extra_repr(self) -> str:
        """The inputs and outputs with their types."""
        sides = self.session.get_inputs(), self.session.get_outputs()
        return " -> ".join(", ".join(f"{a.name}: {a.type}{a.shape}" for a in side) for side in sides)


class _WithoutGradient(torch.autograd.Function):  # type: ignore[misc]
    """Outputs that a backward pass stops at with an error, not silently."""

    @staticmethod
    def forward(ctx: Any, session: InferenceSession, names: list[str], *values: Any) -> tuple[Any, ...]:
        results = _outputs(session, dict(zip(names, values, strict=True)))
        tensors = [r for r in results if isinstance(r, torch.Tensor)]
        ctx.mark_non_differentiable(*(t for t in tensors if not t.is_floating_point()))
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "jitrt computes no gradients through a session; call its module under torch.no_grad(), or with "
            "x.detach(), if none is wanted"
        )


def _run(session: InferenceSession, feeds: dict[str, Any]) -> tuple[Any, ...]:
    if torch.is_grad_enabled() and any(getattr(value, "requires_grad", False) for value in feeds.values()):
        results: tuple[Any, ...] = _WithoutGradient.apply(session, list(feeds), *feeds.values())
        return results
    return _outputs(session, feeds)


def _outputs(session: InferenceSession, feeds: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(map(_as_tensor, session.run(None, feeds)))


def _as_tensor(value: Any) -> Any:
    """An array as a tensor in the same memory; what no tensor can hold as it is."""
    if isinstance(value, list):
        return [_as_tensor(item) for item in value]
    if not hasattr(value, "dtype") or value.dtype == STRING:
        return value
    return torch.from_dlpack(to_dlpack(value))
