"""The command line: what it prints and writes, and that mistakes are one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import FLOAT, info, model, node, tensor

import jitrt
from jitrt import config
from jitrt.cli import main

A = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
B = np.float32([[1], [2], [3]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of two inputs, a [batch, n] and b [batch, 1], and arrays for it."""
    nodes = [node("Mul", ["a", "b"], ["p"]), node("Relu", ["p"], ["y"]), node("Neg", ["p"], ["/z"])]
    inputs = [info("a", FLOAT, ["batch", "n"]), info("b", FLOAT, ["batch", 1])]
    outputs = [info("y", FLOAT, ["batch", "n"]), info("/z", FLOAT, ["batch", "n"])]
    onnx.save(model(nodes, inputs, outputs), tmp_path / "two.onnx")
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "b.npy", B)
    np.savez(tmp_path / "ab.npz", a=A, b=B)
    return tmp_path


def save(folder: Path, name: str, *arguments, **options) -> str:
    path = folder / name
    onnx.save(model(*arguments, **options), path)
    return str(path)


@pytest.mark.parametrize("given", [["a=a.npy", "b=b.npy"], ["ab.npz"], ["ab.npz", "a=a.npy"]])
def test_run_writes_what_a_session_gives(folder, capsys, given):
    inputs = [part for text in given for part in ("--input", text.replace("=", f"={folder}/", 1))]
    inputs = [part if "=" in part or part == "--input" else f"{folder}/{part}" for part in inputs]
    assert main(["run", f"{folder}/two.onnx", *inputs, "--output", f"{folder}/out.npz"]) == 0
    written = np.load(folder / "out.npz")
    y, z = jitrt.InferenceSession(folder / "two.onnx").run(None, {"a": A, "b": B})
    np.testing.assert_array_equal(written["y"], y)
    np.testing.assert_array_equal(written["/z"], z)
    assert "y: f32[3,4]" in capsys.readouterr().out


def test_the_only_input_needs_no_name(folder, capsys):
    path = save(folder, "one.onnx", [node("Neg", ["x"], ["y"])])
    np.save(folder / "x.npy", np.float32([1, 2, 3]))
    assert main(["run", path, "-i", str(folder / "x.npy"), "--threads", "1"]) == 0
    assert "[-1. -2. -3.]" in capsys.readouterr().out


def test_strings_and_types_that_numpy_has_not_are_written(folder):
    inputs = [info("s", TensorProto.STRING, [2]), info("x", FLOAT, [2])]
    outputs = [info("t", TensorProto.STRING, [2]), info("y", TensorProto.BFLOAT16, [2])]
    nodes = [node("Identity", ["s"], ["t"]), node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)]
    path = save(folder, "kinds.onnx", nodes, inputs, outputs)
    np.savez(folder / "in.npz", s=np.array(["one", "twelve"]), x=np.float32([1, -2]))
    assert main(["run", path, "-i", f"{folder}/in.npz", "--output", f"{folder}/out.npz"]) == 0
    written = np.load(folder / "out.npz", allow_pickle=False)
    assert written["t"].tolist() == ["one", "twelve"]
    assert written["y"].tolist() == [0x3F80, 0xC000]


def test_profile_has_a_line_a_step(folder, capsys):
    assert main(["run", f"{folder}/two.onnx", "-i", f"{folder}/ab.npz", "--profile"]) == 0
    *steps, total = [line for line in capsys.readouterr().out.splitlines() if " us" in line]
    assert {name for line in steps for name in line.split()[1].split("+")} == {"Mul", "Relu", "Neg"}
    assert all("GB/s" in line and "GFLOP/s" in line for line in steps)
    assert total.split()[0] == "total"


def test_explain_graph_is_the_model_as_loaded(folder, capsys):
    assert main(["explain", f"{folder}/two.onnx", "--stage", "graph"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "input a: f32[batch,n]",
        "input b: f32[batch,1]",
        "p = Mul(a, b)",
        "y = Relu(p)",
        "/z = Neg(p)",
        "output y: f32[batch,n]",
        "output /z: f32[batch,n]",
    ]


def test_explain_names_the_nodes_of_each_kernel(folder, capsys):
    path = save(
        folder, "chain.onnx", [node("Neg", ["x"], ["t"], "first"), node("Relu", ["t"], ["y"], "second")]
    )
    assert main(["explain", path]) == 0
    assert 'Neg+Relu  over 3  <- Neg "first", Relu "second"' in capsys.readouterr().out


def test_explain_takes_the_shapes_of_inputs_and_dimensions(folder, capsys):
    shapes = ["--shape", "a=5x7", "--shape", "batch=5"]
    assert main(["explain", f"{folder}/two.onnx", *shapes, "--stage", "plan"]) == 0
    plan = capsys.readouterr().out
    assert "MFLOP" in plan
    assert "35/all" in plan


def test_explain_source_and_assembly_are_of_the_kernels(folder, capsys):
    assert main(["explain", f"{folder}/two.onnx", "-s", "n=64", "--stage", "source"]) == 0
    source = capsys.readouterr().out
    assert "define" in source
    assert "fmul" in source
    assert main(["explain", f"{folder}/two.onnx", "-s", "n=64", "--stage", "assembly"]) == 0
    assert "ret" in capsys.readouterr().out


def test_explain_goes_on_after_operators_that_see_data(folder, capsys):
    nodes = [node("Relu", ["x"], ["r"]), node("NonZero", ["r"], ["n"], "places"), node("Neg", ["n"], ["y"])]
    path = save(folder, "data.onnx", nodes, outputs=[info("y", TensorProto.INT64, None)])
    assert main(["explain", path]) == 0
    before, after = capsys.readouterr().out.split('after NonZero "places"\n')
    assert "Relu" in before
    assert "Neg" in after


def test_explain_shows_what_there_is_of_a_run_that_fails(folder, capsys):
    inputs = [info("x", FLOAT, ["n"]), info("i", TensorProto.INT64, [1])]
    path = save(folder, "fails.onnx", [node("Gather", ["x", "i"], ["y"])], inputs)
    assert main(["explain", path, "--shape", "n=0"]) == 0
    out = capsys.readouterr().out
    assert '<- Gather "y"' in out
    assert "the run ended here: " in out
    assert "out of data bounds" in out


def test_ops_tells_where_an_operator_is_written(capsys):
    assert main(["ops", "softsign"]) == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert re.split("  +", heading) == ["operator", "versions", "types", "backends", "defined in"]
    name, versions, types, backends, place = re.split("  +", row)
    assert (name, versions, types, backends) == ("Softsign", "1", "floats", "CPU, CUDA")
    file, line = place.rsplit(":", 1)
    assert 'elementwise("Softsign", since=1)' in Path(file).read_text().splitlines()[int(line) - 1]


def test_the_page_of_operators_is_what_the_command_prints(capsys, request):
    assert main(["ops", "--markdown"]) == 0
    page = Path(__file__).parents[1] / "ops" / "README.md"
    before, mark, old = page.read_text().partition("| operator")
    table = capsys.readouterr().out
    if request.config.getoption("--update-golden"):
        page.write_text(before + table)
    else:
        assert mark + old == table, "write it anew with pytest --update-golden"


MISTAKES = {
    "no such model": (["run", "none.onnx"], "none.onnx failed. File doesn't exist"),
    "not a model": (["explain", "a.npy"], "rotobuf"),
    "input missing": (
        ["run", "two.onnx", "-i", "a=a.npy"],
        "no --input for b; the model takes a: tensor(float)",
    ),
    "no such file": (["run", "two.onnx", "-i", "a=none.npy"], "none.npy: No such file"),
    "not an array": (["run", "two.onnx", "-i", "a=two.onnx"], "not an array that NumPy can read"),
    "empty file": (["run", "two.onnx", "-i", "a=empty.npy"], "not an array that NumPy can read"),
    "pickled objects": (["run", "two.onnx", "-i", "a=objects.npy"], "not an array that NumPy can read"),
    "no tensor type": (["run", "two.onnx", "-i", "a=dates.npy"], "no tensor has elements of type datetime64"),
    "which input": (["run", "two.onnx", "-i", "a.npy"], "which input is it?"),
    "named archive": (["run", "two.onnx", "-i", "a=ab.npz"], "names its arrays itself"),
    "unknown input": (["run", "two.onnx", "-i", "ab.npz", "-i", "c=a.npy"], "Invalid input name: c"),
    "wrong type": (["run", "two.onnx", "-i", "ab.npz", "-i", "a=wide.npy"], "Actual: (tensor(double))"),
    "wrong rank": (["run", "two.onnx", "-i", "ab.npz", "-i", "a=line.npy"], "Invalid rank for input: a"),
    "no such folder": (["run", "two.onnx", "-i", "ab.npz", "--output", "none/o.npz"], "No such file"),
    "no shape": (["explain", "two.onnx", "--shape", "a=3xx4y"], "expected NAME=SIZExSIZE"),
    "negative size": (["explain", "two.onnx", "--shape", "a=-3"], "expected NAME=SIZExSIZE"),
    "unknown name": (["explain", "two.onnx", "--shape", "c=3"], "there are: a, b, batch, n"),
    "rank of a dimension": (["explain", "two.onnx", "--shape", "batch=3x4"], "dimension batch has one size"),
    "too big": (["explain", "two.onnx", "--shape", "a=999999999x999999999x999999999"], "--shape: "),
    "no operator": (["ops", "NoSuchOperator"], "no operator has 'NoSuchOperator'"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "empty.npy").touch()
    np.save("objects.npy", np.array([{}]), allow_pickle=True)
    np.save("dates.npy", np.array(["2024-01-01"], "M8[D]"))
    np.save("wide.npy", A.astype(np.float64))
    np.save("line.npy", A[0])
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith("jitrt: ")
    assert err.count("\n") == 1
    assert message in err
    assert not out


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["run"], ["run", "m", "--threads", "0"], ["run", "m", "--threads", "x"]]
)
def test_a_command_that_is_none_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage: jitrt" in capsys.readouterr().err


def test_debug_output_has_the_graph_the_schedule_and_each_steps_time(folder, monkeypatch, capsys):
    monkeypatch.setattr(config, "settings", config.settings._replace(debug=3))
    session = jitrt.InferenceSession(folder / "two.onnx")
    assert "y = Relu(p)" in capsys.readouterr().err
    session.run(None, {"a": A, "b": B})
    err = capsys.readouterr().err
    assert "input a: f32[s0,s1]" in err
    assert "plan: " in err
    for _ in range(2):
        session.run(None, {"a": A, "b": B})
        lines = capsys.readouterr().err.splitlines()
        assert all("GFLOP/s" in line and "GB/s" in line for line in lines[:-1])
        assert lines[-1].split()[0] == "total"


def test_the_module_runs_and_a_reader_may_stop_early():
    line = [sys.executable, "-m", "jitrt", "ops"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"operator")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    version = subprocess.run([*line[:3], "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"jitrt {jitrt.__version__}\n"


def test_a_model_without_inputs_runs(folder, capsys):
    path = save(
        folder, "none.onnx", [node("Neg", ["c"], ["y"])], [], initializers=[tensor("c", np.float32([3]))]
    )
    assert main(["run", path]) == 0
    assert "[-3.]" in capsys.readouterr().out
