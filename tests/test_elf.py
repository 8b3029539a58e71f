"""Object files are loaded without LLVM, and run as if LLVM's linker had."""

from __future__ import annotations

import ctypes
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitrt.codegen import elf
from jitrt.codegen.compile import link
from jitrt.codegen.emit import emit_object
from jitrt.codegen.target import host

pytestmark = pytest.mark.skipif(not elf.is_supported, reason="loads objects of x86-64 Linux")


def object_of(ir: str) -> bytes:
    return emit_object(ir, host(), "test", "none", None)


COUNTER = """
@count = global i64 40
@empty = internal global [1000 x i64] zeroinitializer
define i64 @next() {
  %old = load i64, ptr @count
  %new = add i64 %old, 1
  store i64 %new, ptr @count
  %place = getelementptr [1000 x i64], ptr @empty, i64 0, i64 999
  %zero = load i64, ptr %place
  %sum = add i64 %new, %zero
  ret i64 %sum
}
"""

TABLE = """
@table = internal constant [4 x ptr] [ptr @one, ptr @two, ptr @one, ptr @two]
define internal i64 @one() { ret i64 1 }
define internal i64 @two() { ret i64 2 }
define i64 @pick(i64 %i) {
  %at = getelementptr [4 x ptr], ptr @table, i64 0, i64 %i
  %f = load ptr, ptr %at
  %r = call i64 %f()
  ret i64 %r
}
"""

LIBM = """
declare double @cosh(double)
define double @doubled(double %x) {
  %y = call double @cosh(double %x)
  %z = fmul double %y, 2.0
  ret double %z
}
"""

CALLER = """
declare i64 @next()
@count = external global i64
define i64 @twice() {
  %first = call i64 @next()
  %second = call i64 @next()
  %now = load i64, ptr @count
  %same = icmp eq i64 %now, %second
  %r = select i1 %same, i64 %second, i64 -1
  ret i64 %r
}
"""


def test_data_and_constants() -> None:
    (address,) = elf.load([object_of(COUNTER)], ["next"])
    following = ctypes.CFUNCTYPE(ctypes.c_int64)(address)
    assert [following() for _ in range(3)] == [41, 42, 43]


def test_addresses_in_constants() -> None:
    (address,) = elf.load([object_of(TABLE)], ["pick"])
    pick = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)
    assert [pick(i) for i in range(4)] == [1, 2, 1, 2]


def test_functions_of_the_process() -> None:
    (address,) = elf.load([object_of(LIBM)], ["doubled"])
    doubled = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)
    assert doubled(0.7) == pytest.approx(2 * math.cosh(0.7), rel=1e-15)


def test_objects_that_need_each_other() -> None:
    address, counting = elf.load([object_of(CALLER), object_of(COUNTER), object_of(TABLE)], ["twice", "next"])
    assert ctypes.CFUNCTYPE(ctypes.c_int64)(address)() == 42
    assert ctypes.CFUNCTYPE(ctypes.c_int64)(counting)() == 43


def test_code_cannot_be_written_to() -> None:
    (address,) = elf.load([object_of(TABLE)], ["pick"])
    lines = Path("/proc/self/maps").read_text().splitlines()
    ranges = {tuple(int(end, 16) for end in line.split()[0].split("-")): line.split()[1] for line in lines}
    (rights,) = {rights for (start, end), rights in ranges.items() if start <= address < end}
    assert rights == "r-xp"


def test_a_child_has_data_of_its_own() -> None:
    (address,) = elf.load([object_of(COUNTER)], ["next"])
    following = ctypes.CFUNCTYPE(ctypes.c_int64)(address)
    child = os.fork()
    if not child:
        os._exit(following())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 41
    assert following() == 41


@pytest.mark.parametrize(
    ("ir", "exported", "message"),
    [
        ("declare i64 @nowhere()\ndefine i64 @f() { %r = call i64 @nowhere() ret i64 %r }", "f", "nowhere"),
        ("define i64 @f() { ret i64 1 }", "g", "not defined"),
        ("@x = thread_local global i64 3\ndefine ptr @f() { ret ptr @x }", "f", "of another kind"),
    ],
)
def test_what_is_left_to_llvm(ir: str, exported: str, message: str) -> None:
    with pytest.raises(elf.UnknownObjectError, match=message):
        elf.load([object_of(ir.replace(") ret", ")\n ret"))], [exported])


def test_other_files() -> None:
    with pytest.raises(elf.UnknownObjectError, match="machine"):
        elf.load([b"\x7fELF\x01\x01" + bytes(100)], [])


def test_llvm_links_what_the_loader_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(images: object, exported: object) -> list[int]:
        raise elf.UnknownObjectError

    monkeypatch.setattr(elf, "load", load)
    (address,) = link([object_of(TABLE)], ["pick"])
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(1) == 2


def test_a_warm_process_does_without_llvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITRT_CACHE_DIR", str(tmp_path / "cache"))
    code = """
import sys
import numpy as np
import jitrt
y = jitrt.call("Exp", np.zeros(3, np.float32))
assert y.tolist() == [1, 1, 1]
print("llvmlite.binding" in sys.modules)
"""
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(2)]
    assert [r.stdout for r in runs] == ["True\n", "False\n"], runs[1].stderr
