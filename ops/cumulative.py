"""Running sums and products along an axis."""

from __future__ import annotations

from jitrt.calls import launch
from jitrt.dims import prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor, known


@operator("CumSum", since=11)
def cum_sum(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """The running sum along an axis. https://onnx.ai/onnx/operators/onnx__CumSum.html"""
    return _running(x, axis, exclusive, reverse, product=0)


@operator("CumProd", since=26)
def cum_prod(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """The running product along an axis. https://onnx.ai/onnx/operators/onnx__CumProd.html"""
    return _running(x, axis, exclusive, reverse, product=1)


def _running(x: Tensor, axis: Tensor, exclusive: int, reverse: int, product: int) -> Tensor:
    along = int(known(axis).ravel()[0])
    if not -x.ndim <= along < x.ndim:
        raise ValueError(f"axis {along} is not in [{-x.ndim}, {x.ndim - 1}]")
    along %= x.ndim
    outer, inner = prod(x.shape[:along]), prod(x.shape[along + 1 :])
    shape = [outer, x.shape[along], inner]
    (y,) = launch(
        running_total,
        x.reshape(shape),
        outputs=[(x.dtype, shape)],
        scalars=[exclusive, reverse, product],
        extent=outer * inner,
        flops=x.size,
    )
    return y.reshape(x.shape)


def running_total(y, x, exclusive, reverse, product, begin, end):
    """Columns `begin` to `end` of x [outer, n, inner], counted over outer and inner, combined along n."""
    n, inner = x.shape[1], x.shape[2]
    if inner == 1:
        for o in range(begin, end):
            running_total_of_row(y[o, :, 0], x[o, :, 0], exclusive, reverse, product)
        return
    while begin < end:
        o, first = begin // inner, begin % inner
        stop = min(first + end - begin, inner)
        for k in range(n):
            here = n - 1 - k if reverse else k
            before = here + 1 if reverse else here - 1
            term = before if exclusive else here
            for j in range(first, stop):
                if k == 0:
                    y[o, here, j] = product if exclusive else x[o, here, j]
                elif product:
                    y[o, here, j] = y[o, before, j] * x[o, term, j]
                else:
                    y[o, here, j] = y[o, before, j] + x[o, term, j]
        begin += stop - first


def running_total_of_row(y, x, exclusive, reverse, product):
    """One row, the total in a register."""
    total = x.dtype.type(product)
    for k in range(x.size):
        here = x.size - 1 - k if reverse else k
        if exclusive:
            y[here] = total
        total = total * x[here] if product else total + x[here]
        if not exclusive:
            y[here] = total
