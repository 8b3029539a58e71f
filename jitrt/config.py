"""Settings, read from the environment once, when this module is imported; nothing else reads it.

Use `config.settings.debug`, so that a test can put another `Settings` in place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Settings(NamedTuple):
    """What JITRT_DEBUG, JITRT_CHECK, JITRT_CACHE_DIR, JITRT_TARGET and JITRT_KEEP_PLANS say.

    `debug` prints 1 a plan's summary, 2 a line a step, 3 the graph after each pass, 4 generated source.
    `check` verifies every pass and every step. `cache_dir` is None where compiled code is not kept.
    `target` is "avx2" to generate code as on a machine without AVX-512, "avx512" as on one without AMX.
    Without `keep_plans`, models are traced in each process.
    """

    debug: int = 0
    check: bool = False
    cache_dir: Path | None = None
    target: str = ""
    keep_plans: bool = True


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that the variables give. Raises ValueError for a value that means nothing."""
    debug = environment.get("JITRT_DEBUG", "") or "0"
    if debug not in ("0", "1", "2", "3", "4"):
        raise ValueError(f"JITRT_DEBUG: expected 0 to 4, got {debug!r}")
    check = environment.get("JITRT_CHECK", "") or "0"
    if check not in ("0", "1"):
        raise ValueError(f"JITRT_CHECK: expected 0 or 1, got {check!r}")
    target = environment.get("JITRT_TARGET", "")
    if target not in ("", "avx2", "avx512"):
        raise ValueError(f"JITRT_TARGET: expected avx2, avx512 or nothing, got {target!r}")
    keep_plans = environment.get("JITRT_KEEP_PLANS", "") or "1"
    if keep_plans not in ("0", "1"):
        raise ValueError(f"JITRT_KEEP_PLANS: expected 0 or 1, got {keep_plans!r}")
    return Settings(int(debug), check == "1", _cache_dir(environment), target, keep_plans == "1")


def _cache_dir(environment: Mapping[str, str]) -> Path | None:
    chosen = environment.get("JITRT_CACHE_DIR")
    if chosen is not None:
        return Path(chosen).expanduser() if chosen else None
    xdg = environment.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        return Path(xdg) / "jitrt"
    try:
        home = Path.home()
    except RuntimeError:  # a user id without a home directory, as in many containers
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "jitrt"


settings = read(os.environ)
