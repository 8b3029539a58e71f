"""Cases of operators that look up, scatter and select, by shapes and attributes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.operator_cases import N, OperatorCase, boxes, integers, normal, positive, vector


def search_cases() -> Iterator[OperatorCase]:
    """All cases of this module."""
    yield from indices()
    yield from selections()


def indices() -> Iterator[OperatorCase]:
    """Gathers and scatters."""
    yield OperatorCase(
        "Gather",
        lambda: [normal(30522, 384), integers(0, 30522, 8, 128)],
        variant="embedding",
        constants=(0,),
    )
    yield OperatorCase("Gather", lambda: [normal(8, 512, 512), np.array(0)], {"axis": 1}, variant="one place")
    yield OperatorCase(
        "Gather", lambda: [normal(100_000, 16), integers(0, 100_000, 65536)], variant="of short rows"
    )
    yield OperatorCase(
        "Gather", lambda: [normal(1 << 20), integers(0, 1 << 20, 1 << 20)], variant="of elements"
    )
    yield OperatorCase(
        "Gather",
        lambda: [normal(8, 1024, 128), integers(0, 1024, 1024)],
        {"axis": 1},
        variant="of the middle",
    )
    yield OperatorCase(
        "GatherND",
        lambda: [normal(8, 1024, 128), integers(0, 1024, 8, 512, 1)],
        {"batch_dims": 1},
        variant="batch",
    )
    yield OperatorCase(
        "GatherND", lambda: [normal(64, 64, 64, 4), integers(0, 64, 262144, 3)], variant="of points"
    )
    for reduction in ("add", "mul", "max"):
        yield OperatorCase(
            "ScatterND",
            lambda: [normal(1024, 256), integers(0, 1024, 4096, 1), normal(4096, 256)],
            {"reduction": reduction},
            version=18,
            variant=f"{reduction} to nodes",
        )
        yield OperatorCase(
            "ScatterElements",
            lambda: [
                normal(1024, 256),
                np.repeat(integers(0, 1024, 4096, 1), 256, 1),
                normal(4096, 256),
            ],
            {"axis": 0, "reduction": reduction},
            version=18,
            variant=f"{reduction} to nodes",
        )
    yield OperatorCase(
        "ScatterND",
        lambda: [normal(1 << 20), integers(0, 1 << 20, 1 << 18, 1), normal(1 << 18)],
        variant="of elements",
    )
    yield OperatorCase(
        "ScatterElements",
        lambda: [normal(64, 1, 4096), integers(0, 4096, 64, 1, 1), normal(64, 1, 1)],
        {"axis": 2},
        variant="of few",
    )
    yield OperatorCase(
        "OneHot",
        lambda: [integers(0, 128, 64, 128), vector(128), np.array([0, 1], np.float32)],
        {"axis": 1},
        variant="axis 1",
    )
    yield OperatorCase(
        "OneHot", lambda: [integers(0, 10, 100_000), vector(10), np.array([0, 1])], variant="i64 of 10"
    )


def selections() -> Iterator[OperatorCase]:
    """Operators that look for something."""
    for variant, shape, k, axis, attributes in (
        ("1 of rows", (1024, 1024), 1, 1, {}),
        ("classes", (1, 1000), 5, 1, {}),
        ("boxes", (1, 8400), 300, 1, {}),
        ("anchors", (1, 261_888), 1000, 1, {}),
        ("anchors unsorted", (1, 261_888), 1000, 1, {"sorted": 0}),
        ("smallest", (1024, 1024), 16, 1, {"largest": 0}),
        ("of columns", (1024, 1024), 8, 0, {}),
        ("vocabulary", (4, 50257), 50, 1, {}),
        ("experts", (4096, 64), 8, 1, {}),
        ("sort", (256, 4096), 4096, 1, {}),
        ("sort of all", (1, 1 << 18), 1 << 18, 1, {}),
    ):
        yield OperatorCase(
            "TopK",
            lambda s=shape, k=k: [normal(*s), vector(k)],
            {"axis": axis, **attributes},
            outputs=2,
            variant=variant,
        )
    yield OperatorCase("TopK", lambda: [integers(0, 1 << 30, *N), vector(8)], outputs=2, variant="i64")
    yield OperatorCase("ArgMax", lambda: [integers(0, 99, *N, dtype=np.int32)], {"axis": 1}, variant="i32")
    for share in (0.01, 0.99):
        yield OperatorCase("NonZero", lambda p=share: [positive(*N) < p], variant=f"{share:.0%}")
    yield OperatorCase("NonZero", lambda: [integers(0, 2, 1024, 1024)], variant="i64")
    yield OperatorCase("NonZero", lambda: [normal(4096) > 0], variant="of few")
    yield OperatorCase("Compress", lambda: [normal(1 << 20), positive(1 << 20) < 0.5], variant="elements")
    yield OperatorCase(
        "Compress", lambda: [normal(1024, 1024), positive(1024) < 0.5], {"axis": 1}, variant="columns"
    )
    yield OperatorCase("Unique", lambda: [integers(0, 1 << 30, 1 << 18)], outputs=4, variant="all outputs")
    yield OperatorCase("Unique", lambda: [integers(0, 9, 1 << 14, 4)], {"axis": 0}, outputs=1, variant="rows")
    yield OperatorCase("Unique", lambda: [normal(1 << 16)], {"sorted": 0}, variant="unsorted floats")
    for variant, number, classes, most in (
        ("one class", 1000, 1, 200),
        ("many", 25200, 1, 300),
        ("80", 8400, 80, 20),
    ):
        yield OperatorCase(
            "NonMaxSuppression",
            lambda n=number, c=classes, m=most: [
                boxes(n),
                positive(1, c, n),
                vector(m),
                np.float32([0.5]),
                np.float32([0.25]),
            ],
            version=11,
            variant=variant,
        )
