"""JSON lines from a measuring process to the one that started it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

Emit = Callable[[dict[str, Any]], None]


def open_channel() -> Emit:
    """Turn stdout into stderr, lest a library prints to it, and return a writer to the old stdout."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def emit(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return emit
