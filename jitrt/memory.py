"""Memory that the process has freed, given back to the system."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def trim() -> None:
    """Have malloc return the pages that nothing uses; nothing where the C library has no such function.

    https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    function = _malloc_trim()
    if function is not None:
        function(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
