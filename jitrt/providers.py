"""Execution providers: where a session can run, and what happens when it is asked for another place."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from jitrt.errors import EPFail

CPU = "CPUExecutionProvider"
OPTIONS: dict[str, tuple[str, ...]] = {CPU: ()}  # that do something, by provider
Provider = str | tuple[str, Mapping[str, Any]]


def get_available_providers() -> list[str]:
    """The execution providers that sessions can run on here, the quickest first."""
    return [CPU]


def get_all_providers() -> list[str]:
    """The execution providers that this version of jitrt knows how to run on."""
    return [CPU]


def get_device() -> str:
    """The kind of device that sessions run on by default."""
    return "CPU"


def choose_providers(
    providers: str | Sequence[Provider] | None, options: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, dict[str, str]]:
    """The providers in force and their options, the first of them where nodes run.

    Raises ValueError for arguments of a wrong form, and EPFail where every provider asked for is missing:
    a session never runs elsewhere than its user allowed. Warns of a missing one that another stands in for.
    """
    asked = normalized(providers, options)
    available = get_available_providers()
    found = {
        name: {key: value for key, value in values.items() if key in OPTIONS[name]}
        for name, values in asked.items()
        if name in available
    }
    missing = [name for name in asked if name not in found]
    if not asked:
        return {name: {} for name in available}
    if not found:
        raise EPFail(
            f"{', '.join(missing)} not available: this version of jitrt has no GPU backend, it runs on "
            f"{', '.join(available)} here. Add that to the providers to run there instead"
        )
    if missing:
        warnings.warn(
            f"{', '.join(missing)} not available; the session runs on {', '.join(found)}", stacklevel=3
        )
    return found


def normalized(
    providers: str | Sequence[Provider] | None, options: Sequence[Mapping[str, Any]] | None
) -> dict[str, dict[str, str]]:
    """Names to options, both as strings. Raises ValueError or TypeError for arguments of a wrong form."""
    listed = [providers] if isinstance(providers, str) else providers
    if listed is None:
        return {}
    if not isinstance(listed, Sequence):
        raise TypeError(f"'providers' should be a sequence, got {listed!r}")
    if options is not None:
        if not isinstance(options, Sequence):
            raise ValueError("'provider_options' should be a sequence.")
        if len(listed) != len(options):
            raise ValueError(
                "'providers' and 'provider_options' should be the same length if both are given."
            )
        if not all(isinstance(p, str) for p in listed):
            raise ValueError(
                "Only string values for 'providers' are supported if 'provider_options' is given."
            )
        if not all(isinstance(o, dict) for o in options):
            raise ValueError("'provider_options' values must be dicts.")
        listed = list(zip(listed, options, strict=True))  # type: ignore[arg-type]
    found: dict[str, dict[str, str]] = {}
    for provider in listed:
        name, values = (provider, {}) if isinstance(provider, str) else _pair(provider)
        if name in found:
            warnings.warn(f"Duplicate provider '{name}' encountered, ignoring.", stacklevel=4)
            continue
        found[name] = {str(k): str(v) for k, v in values.items()}
    return found


def _pair(provider: Any) -> tuple[str, dict[str, Any]]:
    is_pair = isinstance(provider, (tuple, list)) and len(provider) == 2
    if not is_pair or not isinstance(provider[0], str) or not isinstance(provider[1], dict):
        raise ValueError("'providers' values must be either strings or (string, dict) tuples.")
    return provider[0], provider[1]
