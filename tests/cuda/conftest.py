"""What the CUDA tests need: every case, the library that emulates them, the programs that NVRTC compiled."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from cases import GROUPS


@pytest.fixture(scope="session")
def groups():
    """The cases by group."""
    with np.errstate(all="ignore"):
        return {name: build() for name, build in GROUPS.items()}


@pytest.fixture(scope="session")
def emulated(groups, tmp_path_factory):
    """The library of all kernels, compiled by g++."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: CUDA C++ cannot be run for numbers on the CPU")
    import emulation

    cases = [case for group in groups.values() for case in group]
    return emulation.build(cases, tmp_path_factory.mktemp("emulation"))


@pytest.fixture(scope="session")
def compile_program():
    """NVRTC, as a function of source and architecture."""
    pytest.importorskip("cuda.bindings.nvrtc", reason="NVRTC is not installed: pip install jitrt[cuda13]")
    import nvrtc

    return nvrtc.compile_program
