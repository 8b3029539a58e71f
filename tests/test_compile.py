"""From IR to running machine code: linking, the two caches, errors, instruction sets."""

import ctypes
import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from jitrt import config
from jitrt.codegen import cache, compile
from jitrt.codegen.compile import CompileError, assembly, cached_object, compile_kernels, ir, link, symbol
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.target import host

SCALE = """
define internal float @helper(float %x) {{
  %y = fmul float %x, {factor}
  ret float %y
}}
define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{
entry:
  %y.slot = getelementptr i64, ptr %args, i64 1
  %x = load ptr, ptr %args
  %y = load ptr, ptr %y.slot
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %x.i = getelementptr float, ptr %x, i64 %i
  %y.i = getelementptr float, ptr %y, i64 %i
  %v = load float, ptr %x.i
  %w = call float @helper(float %v)
  store float %w, ptr %y.i
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret i64 0
}}
"""
STEP = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Nothing compiled yet, in memory or on disk."""
    monkeypatch.setattr(config, "settings", config.Settings(cache_dir=tmp_path / "cache"))
    monkeypatch.setattr(compile, "_addresses", {})


def scale(factor: float, pipeline: str = "loops") -> Kernel:
    """y = factor * x; the kernels share the name of an internal function."""
    key = f"scale {factor} {pipeline}"
    return Kernel(key, f"scale[{factor}]", lambda s: SCALE.format(symbol=s, factor=factor), pipeline)


def unbuildable(kernel: Kernel) -> Kernel:
    """The same kernel, to be found in a cache or not at all."""
    return Kernel(kernel.key, kernel.name, lambda _: pytest.fail("built again"), kernel.pipeline)


def run(address: int) -> np.ndarray:
    x, y = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
    row = np.array([x.ctypes.data, y.ctypes.data])
    assert STEP(address)(row.ctypes.data, 0, 100, None) == 0
    return y


@pytest.mark.parametrize("pipeline", ["vector", "loops", "none"])
def test_kernels_compute(pipeline):
    addresses = compile_kernels([scale(2.0, pipeline), scale(3.0, pipeline), scale(2.0, pipeline)])
    assert addresses[0] == addresses[2] != addresses[1]
    np.testing.assert_array_equal(run(addresses[0]), np.arange(100) * 2.0)
    np.testing.assert_array_equal(run(addresses[1]), np.arange(100) * 3.0)


def test_no_kernels_is_no_work():
    assert compile_kernels([]) == []


def test_avx2_code_runs_beside_the_host_code():
    if not host().has("avx2"):
        pytest.skip("needs AVX2")
    narrow = host().without_avx512()
    (wide_address,) = compile_kernels([scale(2.0)])
    (narrow_address,) = compile_kernels([scale(2.0)], narrow)
    assert wide_address != narrow_address
    np.testing.assert_array_equal(run(narrow_address), np.arange(100) * 2.0)
    text = assembly(scale(2.0), narrow)
    assert "ymm" in text
    assert "zmm" not in text


def test_loops_pipeline_uses_the_widest_vectors():
    lanes = host().lanes(4)
    assert f"<{lanes} x float>" in ir(scale(2.0))
    assert " x float>" not in ir(scale(2.0, "vector"))


def test_second_compilation_comes_from_memory():
    addresses = compile_kernels([scale(2.0)])
    assert compile_kernels([unbuildable(scale(2.0))]) == addresses


def test_second_process_reads_from_disk(monkeypatch):
    compile_kernels([scale(2.0)])
    monkeypatch.setattr(compile, "_addresses", {})
    np.testing.assert_array_equal(run(*compile_kernels([unbuildable(scale(2.0))])), np.arange(100) * 2.0)


def test_damaged_object_on_disk_is_built_again(monkeypatch):
    compile_kernels([scale(2.0)])
    (entry,) = config.settings.cache_dir.iterdir()
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 255
    entry.write_bytes(content)
    monkeypatch.setattr(compile, "_addresses", {})
    np.testing.assert_array_equal(run(*compile_kernels([scale(2.0)])), np.arange(100) * 2.0)
    assert bytes(content) != entry.read_bytes()


def test_disk_key_holds_target_pipeline_and_versions(monkeypatch):
    keys = []
    monkeypatch.setattr(cache, "put", lambda key, payload: keys.append(key))
    compile_kernels([scale(2.0)])
    compile_kernels([scale(2.0)], host().without_avx512())
    compile_kernels([scale(2.0, "none")])
    monkeypatch.setattr(compile, "_addresses", {})
    monkeypatch.setattr(compile, "toolchain", lambda: "another llvmlite")
    compile_kernels([scale(2.0)])
    assert len(set(keys)) == 4


def test_cache_that_is_off_still_compiles(monkeypatch):
    monkeypatch.setattr(config, "settings", config.Settings(cache_dir=None))
    np.testing.assert_array_equal(run(*compile_kernels([scale(2.0)])), np.arange(100) * 2.0)


def test_libm_resolves():
    text = """
    declare double @cbrt(double)
    define i64 @{}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{
      %x = sitofp i64 %end to double
      %y = call double @cbrt(double %x)
      %n = fptosi double %y to i64
      ret i64 %n
    }}"""
    (address,) = compile_kernels([Kernel("cbrt", "cbrt", text.format)])
    assert STEP(address)(None, 0, 1000, None) == 10


def test_runtime_module_exports_what_its_ir_says():
    text = "define i64 @one() {\n ret i64 1\n}\ndefine i64 @two() {\n ret i64 2\n}\n"
    image = cached_object("runtime", lambda: text)
    assert cached_object("runtime", lambda: pytest.fail("built again")) == image
    values = [ctypes.CFUNCTYPE(ctypes.c_int64)(address)() for address in link([image], ["two", "one"])]
    assert values == [2, 1]


def test_syntax_error_names_kernel_and_line():
    kernel = Kernel("k", "gelu[f32]", lambda s: f"define i64 @{s}() {{\n  ret i64 %missing\n}}\n")
    with pytest.raises(CompileError, match=r"(?s)kernel gelu\[f32\]: .*undefined value.*ret i64 %missing"):
        compile_kernels([kernel])


def test_ill_formed_ir_is_refused_before_it_can_crash():
    text = """
    define i64 @{}(i1 %c) {{
      br i1 %c, label %a, label %b
    a:
      %x = add i64 1, 2
      br label %b
    b:
      ret i64 %x
    }}"""
    with pytest.raises(CompileError, match=r"(?s)kernel k: .*dominate.*%x = add"):
        compile_kernels([Kernel("k", "k", text.format)])


def test_kernel_without_its_function_is_an_error():
    with pytest.raises(CompileError, match="kernel k: the IR defines no function k_"):
        compile_kernels([Kernel("k", "k", lambda _: "define void @other() {\n ret void\n}")])


def test_unresolved_call_is_an_error_and_the_next_kernel_compiles(capfd):
    text = """
    declare i64 @no_such_function()
    define i64 @{}() {{
      %x = call i64 @no_such_function()
      ret i64 %x
    }}"""
    with pytest.raises(CompileError, match=r"linking failed: .* k_"):
        compile_kernels([Kernel("k", "k", text.format)])
    assert "no_such_function" in capfd.readouterr().err
    np.testing.assert_array_equal(run(*compile_kernels([scale(2.0)])), np.arange(100) * 2.0)


def test_symbols_are_distinct_for_names_that_look_alike():
    assert symbol(Kernel("a", "add[f32]", str)) != symbol(Kernel("b", "add(f32)", str))


def test_failed_kernels_leave_nothing_for_the_garbage_collector_to_crash_on():
    kernel = Kernel("k", "k", lambda _: "define void @other() {\n ret void\n}")
    failures = []
    for _ in range(20):
        with pytest.raises(CompileError) as failure:
            compile_kernels([kernel])
        failures.append(failure)
    failures[0].cycle = failures
    del failures, failure
    gc.collect()
    np.testing.assert_array_equal(run(*compile_kernels([scale(2.0)])), np.arange(100) * 2.0)


def test_one_bad_kernel_among_many_is_named():
    bad = Kernel("bad", "bad", lambda s: f"define i64 @{s}() {{\n ret i32 0\n}}")
    kernels = [scale(float(factor)) for factor in range(1, 9)]
    with pytest.raises(CompileError, match="kernel bad: "):
        compile_kernels([*kernels[:4], bad, *kernels[4:]])
    assert len(set(compile_kernels(kernels))) == 8


def test_threads_compile_at_once():
    kernels = [scale(float(factor)) for factor in range(1, 9)]
    found: list[list[int]] = []

    def work(first: int) -> None:
        rotated = kernels[first:] + kernels[:first]
        addresses = compile_kernels(rotated)
        found.append(addresses[len(kernels) - first :] + addresses[: len(kernels) - first])

    threads = [threading.Thread(target=work, args=(2 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(addresses == found[0] for addresses in found)
    for factor, address in enumerate(found[0], 1):
        np.testing.assert_array_equal(run(address), np.arange(100, dtype=np.float32) * factor)


WARM = """
import sys
import numpy as np
from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.numba_ir import ArrayArg, numba_kernel

def negate(Y, X, begin, end):
    for i in range(begin, end):
        Y[i] = -X[i]

compile_kernels([numba_kernel(negate, [ArrayArg(np.dtype(np.float32), 1)] * 2)])
print("numba" in sys.modules)
"""


def test_warm_start_imports_no_numba(tmp_path):
    environment = {**os.environ, "JITRT_CACHE_DIR": str(tmp_path / "warm")}
    command = [sys.executable, "-c", WARM]
    printed = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert printed == ["True", "False"]


PICKED = """
import sys
import numpy as np
import jitrt

x, rows = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([3, -4, 1])
assert jitrt.call("Gather", x, rows).tolist() == x[rows].tolist()
print("numba" in sys.modules)
"""


def test_picked_rows_need_no_numba(tmp_path):
    environment = {**os.environ, "JITRT_CACHE_DIR": str(tmp_path / "empty")}
    command = [sys.executable, "-c", PICKED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
