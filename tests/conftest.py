"""Options and fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pool_kernels import load_kernels
from steps import TARGETS

from jitrt import config
from jitrt.codegen.target import Target
from jitrt.execute import pool

# tests look at what they have traced, unless plans of a run before are to be tested
config.settings = config.settings._replace(keep_plans="JITRT_KEEP_PLANS" in os.environ)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden instead of comparing")


@pytest.fixture(params=TARGETS, ids=lambda target: f"{8 * target.vector_bytes}bit")
def target(request: pytest.FixtureRequest) -> Target:
    """This machine, and on AVX-512 also what it would be without."""
    return request.param


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare generated text with that file in tests/golden, or write it under --update-golden."""

    def check(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{name} changed; if that is meant, run pytest --update-golden"

    return check


@pytest.fixture(scope="module")
def kernels() -> dict[str, int]:
    return load_kernels()


@pytest.fixture
def four_threads() -> Iterator[None]:
    """Up to four threads, whatever the machine has."""
    workers = pool.shared_runtime().pool
    if workers is None:
        yield
        return
    limit = workers._limit[0]
    workers._limit[0] = max(limit, 4)
    yield
    workers._limit[0] = limit
