"""Look-up tables made of attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def positions(categories: Sequence[Any]) -> dict[Any, int]:
    """The position of each category, the last one of equals."""
    return dict(zip(categories, range(len(categories)), strict=True))
