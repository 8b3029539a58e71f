"""Einstein summation: a sequence of matrix products over permuted views, contracted pair by pair.

https://onnx.ai/onnx/operators/onnx__Einsum.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jitrt.calls import cast_tensor
from jitrt.dims import Size, hint, prod, same
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors, reduce_tensor

from ._shared import widen
from .matmul import matmul_tensors

ELLIPSIS = "..."


@operator("Einsum", since=12)
def einsum(*Inputs: Tensor, equation: str) -> Tensor:
    """The sum over labels that the output lacks of the product of all inputs.

    https://onnx.ai/onnx/operators/onnx__Einsum.html
    """
    terms, output = parse(equation, [x.ndim for x in Inputs])
    extents = _extents(Inputs, terms)
    factors = [_without_repeats(widen(x), term) for x, term in zip(Inputs, terms, strict=True)]
    while len(factors) > 1:
        factors = _contract_best_pair(factors, output)
    (factor,) = (_without_sums(f, set(output)) for f in factors)
    y = factor.tensor.permute([factor.labels.index(label) for label in output if label in factor.labels])
    return cast_tensor(y.reshape([extents[label] for label in output]), Inputs[0].dtype)


@dataclass(frozen=True)
class Factor:
    """A tensor with a label for each of its dimensions, none twice."""

    tensor: Tensor
    labels: tuple[str, ...]

    def sizes(self, labels: Iterable[str]) -> list[Size]:
        """The sizes of some of the dimensions."""
        return [self.tensor.shape[self.labels.index(label)] for label in labels]

    def arranged(self, *groups: Sequence[str]) -> Tensor:
        """The tensor with its dimensions in another order."""
        return self.tensor.permute([self.labels.index(label) for label in itertools.chain(*groups)])


def parse(equation: str, ranks: Sequence[int]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The labels of each input's dimensions, and of the output's.

    The dimensions that an ellipsis stands for are labelled -1, -2... from the last. Raises ValueError.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    written = left.split(",")
    if len(written) != len(ranks):
        raise ValueError(
            f"Number of subscripts in the input equation does not match number of input tensors: "
            f"expected {len(written)} inputs for {equation!r}, got {len(ranks)}"
        )
    terms = []
    for text, rank in zip(written, ranks, strict=True):
        hidden = rank - len(text.replace(ELLIPSIS, ""))
        if hidden < 0 or (hidden and ELLIPSIS not in text):
            raise ValueError(f"expected an input of another rank for {text!r} in {equation!r}, got {rank}")
        terms.append(_labels(text, hidden, equation))
    broadcast = max((sum(_is_hidden(x) for x in term) for term in terms), default=0)
    if arrow:
        output = _labels(right, broadcast, equation)
    else:
        named = [label for term in terms for label in term if not _is_hidden(label)]
        once = sorted(label for label in set(named) if named.count(label) == 1)
        output = (*_labels(ELLIPSIS, broadcast, equation), *once)
    known = set(itertools.chain(*terms))
    for label in output:
        if label not in known or output.count(label) > 1:
            raise ValueError(f"label {label!r} of the output is to be in an input, and once, in {equation!r}")
    return terms, output


def _labels(text: str, hidden: int, equation: str) -> tuple[str, ...]:
    before, dots, after = text.partition(ELLIPSIS)
    for label in before + after:
        if not (label.isascii() and label.isalpha()):
            raise ValueError(f"expected letters, commas, spaces, '...' and '->', got {equation!r}")
    middle = [str(i) for i in range(-hidden, 0)] if dots else []
    return (*before, *middle, *after)


def _is_hidden(label: str) -> bool:
    return label.startswith("-")


def _extents(inputs: Sequence[Tensor], terms: Sequence[tuple[str, ...]]) -> dict[str, Size]:
    """The size of each label; a dimension of 1 repeats along it. Raises ValueError where sizes differ."""
    extents: dict[str, Size] = {}
    for x, term in zip(inputs, terms, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            other = extents.setdefault(label, size)
            if same(other, 1):
                extents[label] = size
            elif not same(size, 1) and other != size:
                raise ValueError(
                    f"Einsum operands could not be broadcast together: expected size {hint(other)} of "
                    f"label {label!r}, got {hint(size)} in {x}"
                )
    return extents


def _without_repeats(x: Tensor, term: tuple[str, ...]) -> Factor:
    """The input without dimensions of size 1, which say nothing, and with diagonals for repeated labels."""
    ones = [axis for axis, size in enumerate(x.shape) if same(size, 1)]
    factor = Factor(x.squeeze(*ones), tuple(label for axis, label in enumerate(term) if axis not in ones))
    for label in dict.fromkeys(factor.labels):
        if factor.labels.count(label) > 1:
            factor = _diagonal(factor, label)
    return factor


def _diagonal(factor: Factor, label: str) -> Factor:
    """One dimension for all those of a label: every n + 1st element of n * n, and so on for more than two."""
    axes = [axis for axis, other in enumerate(factor.labels) if other == label]
    others = [axis for axis, other in enumerate(factor.labels) if other != label]
    x = factor.tensor.permute([*others, *axes])
    n, count, last = x.shape[-1], len(axes), len(others)
    flat = x.reshape([*x.shape[:last], prod([n] * count)])
    step = sum(prod([n] * power) for power in range(count))
    diagonal = flat.slice(last, 0, n, step)  # type: ignore[arg-type]
    return Factor(diagonal, (*(factor.labels[axis] for axis in others), label))


def _without_sums(factor: Factor, kept: set[str]) -> Factor:
    """The factor summed over the labels that are not kept."""
    axes = [axis for axis, label in enumerate(factor.labels) if label not in kept]
    if not axes:
        return factor
    total = reduce_tensor(factor.tensor, "sum", axes).squeeze(*axes)
    return Factor(total, tuple(label for label in factor.labels if label in kept))


def _contract_best_pair(factors: list[Factor], output: tuple[str, ...]) -> list[Factor]:
    """The factors with two replaced by their product: those with the fewest multiplications."""
    pairs = itertools.combinations(range(len(factors)), 2)
    i, j = min(pairs, key=lambda pair: _cost(factors[pair[0]], factors[pair[1]]))
    others = [f for k, f in enumerate(factors) if k not in (i, j)]
    kept = set(output).union(*(f.labels for f in others))
    a = _without_sums(factors[i], kept.union(factors[j].labels))
    b = _without_sums(factors[j], kept.union(factors[i].labels))
    return [*others, _contract(a, b, kept, output)]


def _cost(a: Factor, b: Factor) -> int:
    """The multiplications of a product, in the traced call: any order is right for other sizes too."""
    only_b = [label for label in b.labels if label not in a.labels]
    return hint(prod([*a.sizes(a.labels), *b.sizes(only_b)]))


def _contract(a: Factor, b: Factor, kept: set[str], output: Sequence[str]) -> Factor:
    """The product of two factors, summed over their labels that are not kept, all of which both have."""
    batch = [label for label in a.labels if label in b.labels and label in kept]
    summed = [label for label in a.labels if label not in kept]
    if _goes_right(a, b, summed, output):
        a, b = b, a
    rows, columns = ([x for x in f.labels if x not in batch and x not in summed] for f in (a, b))
    if not (rows and summed and columns):
        return _multiply(a, b, kept, output)
    lead, m, k, n = a.sizes(batch), prod(a.sizes(rows)), prod(a.sizes(summed)), prod(b.sizes(columns))
    left = a.arranged(batch, rows, summed).reshape([*lead, m, k])
    right = b.arranged(batch, summed, columns).reshape([*lead, k, n])
    y = matmul_tensors(left, right).reshape([*lead, *a.sizes(rows), *b.sizes(columns)])
    return Factor(y, (*batch, *rows, *columns))


def _goes_right(a: Factor, b: Factor, summed: Sequence[str], output: Sequence[str]) -> bool:
    """Whether `a` is better the right matrix: as a constant, which is packed once; where the left one's rows
    lie contiguous then; where the output's last dimension is one of its own."""
    if (a.tensor.value is None) != (b.tensor.value is None):
        return a.tensor.value is not None
    ends = [bool(f.labels) and f.labels[-1] in summed for f in (a, b)]
    if ends[0] != ends[1]:
        return ends[1]
    return bool(output) and output[-1] in a.labels and output[-1] not in b.labels


def _multiply(a: Factor, b: Factor, kept: set[str], output: Sequence[str]) -> Factor:
    """The elementwise product, summed: one fused loop."""
    every = (*a.labels, *(label for label in b.labels if label not in a.labels))
    labels = [*(x for x in output if x in every), *(x for x in every if x not in output)]
    x, y = (
        f.arranged([label for label in labels if label in f.labels]).reshape(
            [f.sizes([label])[0] if label in f.labels else 1 for label in labels]
        )
        for f in (a, b)
    )
    return _without_sums(Factor(map_tensors(lambda p, q: p * q, x, y), tuple(labels)), kept)
