"""From an expression over strided arrays to a step: the loop nest that visits them best.

Dimensions of size 1 go, the rest are ordered as the arrays lie in memory, and neighbours that every array
steps through evenly become one. What is left in the kernel is the pattern; sizes and strides are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from jitrt.codegen.kernel import Argument, Buffer, Step
from jitrt.codegen.loops import Loop, Operand, extent, loop_kernel, scratch_bytes
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.target import host
from jitrt.dims import Dim, Size, hint, prod, same
from jitrt.expr import Expr, is_indexed, load, substitute, walk
from jitrt.layout import Array
from jitrt.types import BITS

TRANSCENDENTAL_FLOPS = 20
MANY_ROWS = 64  # that vectors go across where rows do not fill a vector
_CHEAP = {"load", "const", "index", "cast", "bitcast", "reduce"}
_SIMPLE = {"add", "sub", "mul", "fma", "neg", "abs", "min", "max", "select"}

_loop = lru_cache(maxsize=1 << 12)(Loop)  # what is derived from a loop is derived once for all layers


def loop_step(
    roots: Sequence[Expr],
    space: Sequence[Size],
    reduced_axes: Sequence[int],
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    label: str,
) -> Step:
    """The step that computes `roots` over `space`; every array has the rank of the space."""
    arrays = [*inputs, *outputs]
    indexed = {node.value for node in walk(*roots) if node.op == "index"}
    dims = [d for d in range(len(space)) if not same(space[d], 1)]
    dims = _order(dims, arrays, outputs, reduced_axes)
    blocks = _coalesce(dims, space, arrays, reduced_axes, indexed)
    if blocks and blocks[-1][0] in reduced_axes and _is_short(prod(space[d] for d in blocks[-1])):
        dims = [*(d for d in dims if d in reduced_axes), *(d for d in dims if d not in reduced_axes)]
        across = _coalesce(dims, space, arrays, reduced_axes, indexed)
        rows = prod(space[d] for d in across[-1])
        blocks = blocks if isinstance(rows, int) and rows < MANY_ROWS and not is_batch_invariant() else across
    sizes: list[Size] = [prod(space[d] for d in block) for block in blocks]
    strides = [[a.strides[block[-1]] for block in blocks] for a in arrays]
    reduced = [block[0] in reduced_axes for block in blocks]
    if not blocks:
        sizes, strides, reduced = [1], [[0] for _ in arrays], [False]
        strides[len(inputs) :] = [[1] for _ in outputs]
    elif all(reduced):
        sizes, reduced = [1, *sizes], [False, *reduced]
        strides = [[0, *s] for s in strides]
        blocks = [[-1], *blocks]
    place = {d: i for i, block in enumerate(blocks) for d in block}
    operands = [
        Operand(a.dtype, tuple(_pattern(s) for s in stride))
        for a, stride in zip(arrays, strides, strict=True)
    ]
    loop = _loop(
        len(sizes),
        tuple(reduced),
        tuple(operands[: len(inputs)]),
        tuple(operands[len(inputs) :]),
        tuple(_renumber_indices(root, place) for root in roots),
        _short_row() if _may_be_short(sizes, reduced) else 0,
    )
    args: list[Argument] = list(sizes)
    for array, operand, stride in zip(arrays, operands, strides, strict=True):
        args.append(array.ref)
        args += [s for s, pattern in zip(stride, operand.strides, strict=True) if pattern is None]
    moved = sum((_moved(a, space) for a in arrays), 0)
    return Step(
        loop_kernel(loop, host()),
        tuple(args),
        extent(loop, sizes),
        label,
        flops=prod(sizes) * _flops(loop.roots),
        nbytes=moved,
        scratch=scratch_bytes(loop, sizes),
        in_place=in_place(inputs, outputs),
    )


def copy_step(source: Array, target: Array) -> Step:
    """The step that copies an array to another place of the same shape, as integers."""
    bits = BITS[source.dtype.itemsize]
    source, target = source._replace(dtype=bits), target._replace(dtype=bits)
    return loop_step([load(0, bits)], source.shape, (), [source], [target], "copy")


def in_place(
    inputs: Sequence[Array], outputs: Sequence[Array], others: Sequence[Array | None] = ()
) -> tuple[tuple[Buffer, Buffer], ...]:
    """Outputs that may overwrite an input: the same elements at the same places, and read in no other way.

    An element of the inputs is read just before it is computed, those of `others` at any time.
    """
    readers = [a.ref.buffer for a in (*inputs, *others) if a is not None]
    return tuple(
        (o.ref.buffer, i.ref.buffer)
        for o in outputs
        for i in inputs
        if i.dtype.itemsize == o.dtype.itemsize
        and readers.count(i.ref.buffer) == 1
        and same(i.ref.offset, o.ref.offset)
        and all(map(same, i.strides, o.strides))
        and same(i.ref.buffer.nbytes, o.ref.buffer.nbytes)
    )


def _order(
    dims: list[int], arrays: Sequence[Array], outputs: Sequence[Array], reduced: Sequence[int]
) -> list[int]:
    """The dimensions as the array that varies along most of them lies; outputs first among equals."""
    ranked = [*outputs, *arrays]
    reference = max(ranked, key=lambda a: sum(not same(a.strides[d], 0) for d in dims))
    fallback = {d: i for i, d in enumerate(dims)}

    def position(d: int) -> tuple[int, int]:
        stride = abs(hint(reference.strides[d]))
        return (-stride, fallback[d])

    moving = sorted((d for d in dims if not same(reference.strides[d], 0)), key=position)
    still = [d for d in dims if same(reference.strides[d], 0)]
    return still + moving


def _coalesce(
    dims: Sequence[int],
    space: Sequence[Size],
    arrays: Sequence[Array],
    reduced: Sequence[int],
    indexed: set[int],
) -> list[list[int]]:
    """Runs of dimensions that all arrays step through as through one."""
    blocks: list[list[int]] = []
    for d in dims:
        outer = blocks[-1][-1] if blocks else None
        if (
            outer is not None
            and not {outer, d} & indexed
            and (outer in reduced) == (d in reduced)
            and all(same(a.strides[outer], a.strides[d] * space[d]) for a in arrays)
        ):
            blocks[-1].append(d)
        else:
            blocks.append([d])
    return blocks


def _short_row() -> int:
    """The positions of a row that fills three quarters of a vector."""
    return 3 * host().lanes(4) // 4


def _is_short(row: Size) -> bool:
    """Whether a row is known to fill no more than three quarters of a vector."""
    return isinstance(row, int) and row <= _short_row()


def _may_be_short(sizes: Sequence[Size], reduced: Sequence[bool]) -> bool:
    """Whether rows of a length that is not known are reduced, and there may be many of them."""
    return reduced[-1] and sum(reduced) == 1 and isinstance(sizes[-1], Dim) and not same(prod(sizes[:-1]), 1)


def _pattern(stride: Size) -> int | None:
    if same(stride, 0):
        return 0
    return 1 if same(stride, 1) else None


def _renumber_indices(root: Expr, place: dict[int, int]) -> Expr:
    def replacement(node: Expr) -> Expr | None:
        if node.op != "index":
            return None
        if node.value not in place:
            return Expr("const", (), node.dtype, node.dtype.type(0))
        return Expr("index", (), node.dtype, place[node.value])

    return substitute(root, replacement) if is_indexed(root) else root


@lru_cache(maxsize=1 << 12)
def _flops(roots: tuple[Expr, ...]) -> int:
    ops = [node.op for node in walk(*roots) if node.op not in _CHEAP]
    return sum(1 if op in _SIMPLE else TRANSCENDENTAL_FLOPS for op in ops)


def _moved(array: Array, space: Sequence[Size]) -> Size:
    moving = (size for size, stride in zip(space, array.strides, strict=True) if not same(stride, 0))
    return prod(moving) * array.dtype.itemsize
