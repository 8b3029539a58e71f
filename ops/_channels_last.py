"""Where images lie: convolutions compute theirs channels last, and read those that way too."""

from __future__ import annotations

from jitrt.dims import same
from jitrt.tensor import Map, Tensor, View

MANY_CHANNELS = 8  # of images that convolutions read best channels last


def is_channels_last(x: Tensor) -> bool:
    """Whether images x [n, c, *spatial] are computed channels last, as convolutions and maps of them are."""
    while isinstance(x.source, Map):
        whole = [t for t in x.source.operands if t.ndim == x.ndim and all(map(same, t.shape, x.shape))]
        if not whole:
            return False
        x = whole[0]
    source = x.source
    return isinstance(source, View) and source.kind == "permute" and source.parameters[1] == x.ndim - 1
