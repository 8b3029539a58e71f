"""CUDA C++, generated and hand-written: what it computes; that it compiles without spills or float64."""

from __future__ import annotations

import numpy as np
import pytest
from cases import GROUPS
from kernels import case

from jitrt.codegen.cuda import NVRTC_OPTIONS, literal
from jitrt.codegen.cuda_loop import Variant, cuda_launch, cuda_loop, cuda_program
from jitrt.codegen.loop import Loop, Operand
from jitrt.expr import load, reduce
from jitrt.types import F32, STRING


@pytest.mark.parametrize("group", GROUPS)
def test_numbers(group, groups, emulated, subtests):
    import emulation

    for each in groups[group]:
        with subtests.test(each.name):
            emulation.run(emulated, each)
            each.check()


@pytest.mark.parametrize("group", GROUPS)
def test_compiles_for_sm_90(group, groups, compile_program, subtests):
    compiled = compile_program(cuda_program(dict.fromkeys(c.source for c in groups[group])), "sm_90")
    for each in groups[group]:
        with subtests.test(each.name):
            assert compiled.spilled[each.kernel] == 0
            assert each.doubles or ".f64" not in compiled.kernel_ptx(each.kernel)


@pytest.mark.parametrize("group", ["cast", "variant", "matmul"])
def test_compiles_for_sm_80(group, groups, compile_program):
    compiled = compile_program(cuda_program(dict.fromkeys(c.source for c in groups[group])), "sm_80")
    assert not any(compiled.spilled.values())


def test_contiguous_operands_move_sixteen_bytes_at_a_time(compile_program):
    x = np.zeros(1024, np.float32)
    add = case("add", [load(0, F32) + load(1, F32)], [x, x])
    total = case("total", [load(0, F32) / reduce(load(0, F32), "sum")], [x], reduced=[0])
    compiled = compile_program(cuda_program([add.source, total.source]), "sm_90")
    for name in ("add", "total"):
        assert "ld.global.v4" in compiled.kernel_ptx(name)
        assert "st.global.v4" in compiled.kernel_ptx(name)


def test_launch_follows_the_sizes():
    x = load(0, F32)
    row = Operand(F32, (None, 1))
    loop = Loop(2, (False, True), (row,), (row,), (x / reduce(x, "sum"),))
    assert cuda_launch(loop, (1000, 8)).block == (1, 256)
    assert cuda_launch(loop, (1000, 256)).block == (32, 8)
    assert cuda_launch(loop, (1000, 4096)).block == (512, 1)
    assert cuda_launch(loop, (1000, 16384)).variant == Variant(items=32)
    assert cuda_launch(loop, (1000, 16385)).variant == Variant(resident=False)
    assert cuda_launch(loop, (2**20, 1024)).variant.wide


def test_a_type_without_arithmetic_is_refused():
    line = Operand(STRING, (1,))
    loop = Loop(1, (False,), (line,), (line,), (load(0, STRING),))
    with pytest.raises(TypeError, match="str has no arithmetic on the GPU"):
        cuda_loop(loop, "copy", Variant())


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.1, "f4", "0.1f"),
        (-1.0, "f4", "(-1.0f)"),
        (0.1, "f2", "0.099975586f"),
        (np.nan, "f4", "bitcast<f32>(0x7fc00000u)"),
        (0.1, "f8", "0.1"),
        (-(2**63), "i8", "(i64)(-9223372036854775807ll - 1)"),
        (2**64 - 1, "u8", "18446744073709551615ull"),
        (-3, "i1", "(i8)(-3)"),
        (True, "?", "true"),
    ],
)
def test_literals_carry_their_type(value, dtype, text):
    assert literal(np.asarray(value).astype(dtype)[()], np.dtype(dtype)) == text


@pytest.mark.gpu
@pytest.mark.parametrize("group", GROUPS)
def test_numbers_on_a_card(group, subtests):
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: pip install jitrt[cuda13]")
    if not cupy.cuda.is_available():
        pytest.skip("there is no CUDA device")
    import card

    with np.errstate(all="ignore"):
        cases = GROUPS[group]()
    program = cuda_program(dict.fromkeys(c.source for c in cases))
    module = cupy.RawModule(code=program, options=NVRTC_OPTIONS)
    for each in cases:
        with subtests.test(each.name):
            card.run(cupy, module, each)
            each.check()
