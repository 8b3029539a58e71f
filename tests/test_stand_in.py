"""jitrt under the name onnxruntime: in a process, and for a script."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from models import model, node

RELU = model([node("Relu", ["x"], ["y"])], {"x": ["n"]}, ["y"])
HIDDEN = """
    from importlib.machinery import PathFinder

    find = PathFinder.find_spec

    def find_others(name, path=None, target=None):
        "onnxruntime is not installed."
        return None if name.partition(".")[0] == "onnxruntime" else find(name, path, target)

    PathFinder.find_spec = staticmethod(find_others)
"""
USE = """
    import importlib.metadata, importlib.util
    import numpy as np
    import onnxruntime, onnxruntime as ort
    import onnxruntime.backend
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.capi import _pybind_state as C, onnxruntime_pybind11_state
    from onnxruntime.capi.onnxruntime_inference_collection import IOBinding, OrtValue, Session
    from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument, NoSuchFile
    import jitrt

    assert ort.InferenceSession is InferenceSession is jitrt.InferenceSession
    assert issubclass(InferenceSession, Session) and C.OrtValue is OrtValue is jitrt.OrtValue
    assert IOBinding is jitrt.IOBinding
    assert importlib.util.find_spec("onnxruntime").name == "onnxruntime"
    assert importlib.util.find_spec("onnxruntime.capi") is not None
    assert importlib.metadata.version("onnxruntime") == ort.__version__ == "1.32.0"
    assert onnxruntime.backend.prepare(SOURCE).run(np.float32([-1, 2]))[0].tolist() == [0, 2]
    assert ort.InferenceSession(SOURCE).run(None, {"x": np.float32([-1, 2])})[0].tolist() == [0, 2]
    try:
        InferenceSession("nope.onnx")
    except NoSuchFile as error:
        assert "[ONNXRuntimeError] : 3 : NO_SUCHFILE" in str(error)
    try:
        InferenceSession(SOURCE).run(["z"], {"x": np.float32([1])})
    except onnxruntime_pybind11_state.InvalidArgument as error:
        assert type(error) is InvalidArgument
    try:
        ort.SparseTensor
    except AttributeError as error:
        assert "jitrt stands in for it" in str(error)
    else:
        raise AssertionError
    try:
        import onnxruntime.training
    except ModuleNotFoundError:
        print("all of it")
"""


def in_python(*parts: str, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run parts of a script in a process of its own."""
    code = "\n".join(map(textwrap.dedent, (f"SOURCE = {RELU!r}", *parts)))
    return subprocess.run(
        [sys.executable, *(arguments or ("-c", code))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("before", ["", HIDDEN], ids=["installed", "not installed"])
def test_import_onnxruntime_gives_jitrt(before: str) -> None:
    if not before:
        pytest.importorskip("onnxruntime")
    done = in_python(before, "import jitrt\njitrt.as_onnxruntime()", USE)
    assert (done.returncode, done.stdout) == (0, "all of it\n"), done.stderr
    assert "UserWarning" not in done.stderr


def test_nothing_stands_in_by_itself() -> None:
    done = in_python(
        HIDDEN,
        """
        import importlib, pkgutil, sys
        import jitrt

        for module in pkgutil.iter_modules(jitrt.__path__, "jitrt."):
            if module.name not in ("jitrt.__main__", "jitrt.cli", "jitrt.torch_module"):  # needs torch
                importlib.import_module(module.name)
        jitrt.InferenceSession(SOURCE)
        assert not [name for name in sys.modules if name.startswith("onnxruntime")]
        try:
            import onnxruntime
        except ModuleNotFoundError:
            print("not there")
        """,
    )
    assert (done.returncode, done.stdout) == (0, "not there\n"), done.stderr


def test_calling_twice_and_after_an_import() -> None:
    pytest.importorskip("onnxruntime")
    done = in_python("""
        import sys, warnings
        import onnxruntime as first
        import jitrt

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module = jitrt.as_onnxruntime()
            assert jitrt.as_onnxruntime() is module is sys.modules["onnxruntime"]
        assert [str(w.message).partition(";")[0] for w in caught] == [
            "onnxruntime was imported before jitrt.as_onnxruntime()"
        ], caught
        assert caught[0].filename == "<string>"
        import onnxruntime
        assert onnxruntime is module is not first
        assert first.InferenceSession is not module.InferenceSession
    """)
    assert done.returncode == 0, done.stderr


SCRIPT = """
    import sys
    import onnxruntime, helper

    print(__name__, sys.argv[1:], onnxruntime.get_build_info().partition(" ")[0], helper.FOUND)
    sys.exit(3)
"""


@pytest.mark.parametrize("form", ["script", "module"])
def test_patch_runs_scripts_and_modules(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(SCRIPT))
    (tmp_path / "helper.py").write_text("FOUND = True\n")
    named = ("-m", "program") if form == "module" else (str(tmp_path / "program.py"),)
    monkeypatch.chdir(tmp_path)
    done = in_python(arguments=("-m", "jitrt.patch", *named, "a", "-b"))
    assert (done.returncode, done.stdout) == (3, "__main__ ['a', '-b'] jitrt True\n"), done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_patch_holds_in_other_processes(method: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(f"""
            import multiprocessing
            import onnxruntime

            def name(number):
                return onnxruntime.get_build_info().partition(" ")[0]

            if __name__ == "__main__":
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    print(set(pool.map(name, range(4))))
        """)
    )
    done = in_python(arguments=("-m", "jitrt.patch", str(script)))
    assert (done.returncode, done.stdout) == (0, "{'jitrt'}\n"), done.stderr


def test_patch_without_a_script() -> None:
    nothing, missing = (in_python(arguments=("-m", "jitrt.patch", *a)) for a in ((), ("nope.py",)))
    assert nothing.returncode == missing.returncode == 2
    assert nothing.stderr.startswith("usage:")
    assert "no file nope.py" in missing.stderr
    assert in_python(arguments=("-m", "jitrt.patch", "--help")).returncode == 0
