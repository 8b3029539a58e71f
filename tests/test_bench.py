"""The benchmark harness: its arithmetic and tables, and one quick run in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from math import inf
from pathlib import Path

import numpy as np
import onnx
import pytest

import jitrt
from bench import decode, machine, processes, scaling, steady
from bench.accuracy import max_error
from bench.catalog import EXCHANGED, find_cases
from bench.engines import ENGINES, Feeds, can_run, describe, is_installed, load_feeds
from bench.inputs import signature
from bench.models import BUILDERS
from bench.plot import plot_ratios
from bench.report import LEGEND, comparison, failures, format_number, format_table, metric_table, report
from bench.results import METRICS, Measurement, Results, geomean, ratios
from bench.run import named_shape

ROOT = Path(__file__).parent.parent
PEERS = [name for name in ("onnxruntime", "openvino") if is_installed(name)]


def results(*measurements: Measurement) -> Results:
    return Results("jitrt", ["onnxruntime"], {"threads": 2}, list(measurements))


def pair(
    metric: str, subject: float | None, peer: float | None, model: str = "mlp", inputs: int = 1
) -> Results:
    return results(
        Measurement(model, inputs, "jitrt", metric, subject),
        Measurement(model, inputs, "onnxruntime", metric, peer),
    )


def test_geomean() -> None:
    assert geomean([2.0, 8.0]) == pytest.approx(4.0)
    assert geomean([]) is None


def test_ratio_is_peer_over_subject() -> None:
    assert ratios(pair("hot", 2.0, 5.0), "hot", "onnxruntime") == {("mlp", 1): 2.5}


@pytest.mark.parametrize(
    ("subject", "peer"), [(None, 5.0), (2.0, None), (0.0, 5.0), (-1.0, 5.0), (2.0, -5.0)]
)
def test_no_ratio_without_two_positive_values(subject: float | None, peer: float | None) -> None:
    assert ratios(pair("memory", subject, peer), "memory", "onnxruntime") == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(
            (None, "-"),
            (0.0, "0.000"),
            (0.01234, "0.012"),
            (1.234, "1.23"),
            (-12.34, "-12.3"),
            (1234.5, "1234"),
        ),
        *((2.34e-7, "2e-07"), (5e8, "5e+08"), (inf, "inf")),
    ],
)
def test_format_number(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_table_aligns_and_fits_110_columns() -> None:
    lines = format_table(["model", "ms"], [["a" * 200, "1.0"], ["b", "123456789"]]).splitlines()
    assert [len(line) for line in lines] == [110, 110, 110]
    assert lines[1].split()[0].endswith("…")
    assert lines[2].startswith("b ")
    assert lines[2].endswith(" 123456789")


def test_metric_table_shows_values_ratio_mean_and_error() -> None:
    found = pair("hot", 2.0, 5.0)
    found.measurements += [
        *pair("hot", 2.0, 0.8, inputs=2).measurements,
        Measurement("mlp", 1, "jitrt", "error", 0.5),
    ]
    title, header, *rows = metric_table(found, "hot").splitlines()
    assert METRICS["hot"].title in title
    assert header.split() == ["ms", "jitrt", "onnxruntime", "ratio", "err", "jitrt"]
    assert [row.split() for row in rows] == [
        ["mlp", "2.00", "5.00", "2.50", "0.500!"],
        ["mlp", "#2", "2.00", "0.800", "0.400", "-"],
        ["geomean", "1.00"],
    ]


def test_noisy_median_is_marked() -> None:
    calm = Measurement("mlp", 1, "jitrt", "hot", 2.0, {"p10": 1.9, "p90": 2.2})
    noisy = Measurement("mlp", 1, "onnxruntime", "hot", 5.0, {"p10": 3.0, "p90": 9.0})
    assert metric_table(results(calm, noisy), "hot").splitlines()[2].split() == [
        "mlp",
        "2.00",
        "5.00~",
        "2.50",
    ]
    assert report(results(calm, noisy)).endswith(LEGEND)
    assert LEGEND not in report(results(calm))


def test_failure_is_shown_beside_the_other_engine() -> None:
    found = results(
        Measurement("mlp", 1, "jitrt", "error", error="ValueError: no such operator"),
        Measurement("mlp", 1, "onnxruntime", "hot", 5.0),
    )
    assert metric_table(found, "hot").splitlines()[2].split() == ["mlp", "failed", "5.00", "-"]
    assert failures(found) == ["mlp: jitrt: ValueError: no such operator"]


def test_comparison_of_two_runs() -> None:
    before, after = pair("hot", 4.0, 5.0), pair("hot", 2.0, 5.0)
    rows = comparison(before, after).splitlines()[2:]
    assert [row.split() for row in rows] == [
        ["mlp", "4.00", "2.00", "2.00", "1.00"],
        ["geomean", "2.00", "1.00"],
    ]
    assert "nothing in common" in comparison(before, pair("paced", 2.0, 5.0))


def test_scaling_table_compares_with_the_fewest_threads() -> None:
    runs = {1: pair("hot", 8.0, 6.0), 2: pair("hot", 4.0, 4.0), 4: pair("hot", 1.0, None)}
    assert [row.split() for row in scaling.table(runs, "jitrt").splitlines()] == [
        ["jitrt,", "ms", "1", "2", "gain", "4", "gain"],
        ["mlp", "8.00", "4.00", "2.00", "1.00", "8.00"],
        ["geomean", "2.00", "8.00"],
    ]
    assert scaling.table(runs, "onnxruntime").splitlines()[1].split() == [
        "mlp",
        "6.00",
        "4.00",
        "1.50",
        "-",
        "-",
    ]


def test_scaling_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["tiny-mlp", "--threads", "2,1", "--vs", "", "--quick", "--json", str(tmp_path / "s.json")]
    assert scaling.main(options) == 0
    assert capsys.readouterr().out.startswith("jitrt, ms")
    runs = json.loads((tmp_path / "s.json").read_text())
    assert [(n, run["context"]["threads"]) for n, run in runs.items()] == [("1", 1), ("2", 2)]
    assert all(m["value"] > 0 for run in runs.values() for m in run["measurements"])


def test_decoder_hands_its_cache_on() -> None:
    lengths = []

    def run(feeds: Feeds) -> list[np.ndarray]:
        assert feeds["attention_mask"].shape[1] == feeds["past.key"].shape[2] + feeds["input_ids"].shape[1]
        assert feeds["position_ids"][0, 0] == feeds["past.key"].shape[2]
        lengths.append(feeds["past.key"].shape[2])
        new = np.zeros((1, 2, feeds["input_ids"].shape[1], 4))
        return [np.zeros(1), np.concatenate([feeds["past.key"], new], axis=2)]

    integers = onnx.TensorProto.INT64
    declared = dict.fromkeys(("input_ids", "attention_mask", "position_ids"), (integers, ["n", "m"]))
    past = {"past.key": (onnx.TensorProto.FLOAT, [1, 2, "past", 4])}
    assert len(list(decode.Decoder(run, declared | past).growing(prompt=5, tokens=3))) == 4
    assert lengths == [0, 5, 6, 7]
    with pytest.raises(ValueError, match="no rule for the decoder's input x"):
        decode.Decoder(run, past | {"x": (integers, [])}).feeds(1, {"past.key": np.zeros((1, 2, 0, 4))})


def test_decoding_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.json"
    short = [
        "--prompt",
        "3",
        "--tokens",
        "2",
        "--rounds",
        "2",
        "--pause",
        "0",
        "--vs",
        "",
        "--json",
        str(path),
    ]
    assert decode.main(short) == 0
    assert capsys.readouterr().out.startswith("ms")
    measured = Results.load(path).measurements
    assert {m.metric for m in measured} == set(decode.ROWS)
    assert all(m.value is not None and m.value > 0 for m in measured)


def test_results_round_trip(tmp_path: Path) -> None:
    found = pair("hot", 2.0, 5.0)
    found.save(tmp_path / "folder" / "r.json")
    assert Results.load(tmp_path / "folder" / "r.json") == found
    assert json.loads((tmp_path / "folder" / "r.json").read_text())["geomean_ratio"] == {
        "hot": {"onnxruntime": 2.5}
    }


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot_ratios(pair("hot", 2.0, 5.0), tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_ratios(pair("hot", 2.0, None), tmp_path / "none.png")


def test_deciles_lie_among_the_runs() -> None:
    one = steady.summary("m", 1, "jitrt", "hot", [0.001, 0.001, 0.001, 0.001, 0.001, 0.100])
    assert (one.value, one.details["p10"]) == pytest.approx((1, 1))
    assert 1 < one.details["p90"] <= 100


def test_max_error() -> None:
    expected = np.array([1.0, -4.0, np.nan, np.inf])
    assert max_error([expected.copy()], [expected]) == 0
    assert max_error([np.array([1.0, -3.0, np.nan, np.inf])], [expected]) == 0.25
    assert max_error([np.array([1.0, -4.0, 0.0, np.inf])], [expected]) == inf
    assert max_error([expected[:2]], [expected]) == inf
    assert max_error([], [expected]) == inf
    assert max_error([np.zeros((0, 3))], [np.zeros((0, 3))]) == 0
    assert max_error([np.array(["a"])], [np.array(["a"], object)]) == 0
    assert max_error([np.array(["b"])], [np.array(["a"])]) == inf
    assert max_error([[{0: 0.5, 1: 1.0}]], [[{0: 0.25, 1: 1.0}]]) == 0.25
    assert max_error([[{0: 0.5}]], [[{1: 0.5}]]) == inf


def test_describe_keeps_the_message_and_drops_source_positions() -> None:
    message = (
        "Exception from core.cpp:132:\nCheck 'false' failed at report.cpp:1:\n\nNot converted:\n-- Foo-1"
    )
    assert describe(RuntimeError(message)) == "RuntimeError: Not converted: -- Foo-1"
    assert len(describe(ValueError("x" * 1000))) == 300


def test_disturbance_is_told() -> None:
    before = machine.Usage(elapsed_s=100, others_s=7, stolen_s=1)
    assert machine.Usage(110, 7.1, 1).since(before).warning() is None
    warning = machine.Usage(110, 12, 3).since(before).warning()
    assert warning == "disturbed: other processes used 5.0 and the hypervisor 2.0 CPU seconds in 10 s"
    begin = machine.usage()
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    passed = machine.usage().since(begin)
    assert passed.elapsed_s > 0
    assert passed.others_s > -1


def test_named_shape() -> None:
    assert named_shape("x=1x3x224") == ("x", (1, 3, 224))
    assert named_shape("rate=") == ("rate", ())


@pytest.mark.parametrize("name", BUILDERS)
def test_built_model_is_valid_and_has_three_shapes(name: str, tmp_path: Path) -> None:
    (case,), _ = find_cases([name], {})
    files = case.write(tmp_path)
    onnx.checker.check_model(str(files.model), full_check=True)
    feeds = [load_feeds(path) for path in [files.inputs[0], *files.shapes]]
    assert len({signature(one) for one in feeds}) == 3


@pytest.mark.parametrize("name", BUILDERS)
def test_built_model_agrees_with_onnxruntime(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    built = BUILDERS[name]()
    model, feeds = built.model.SerializeToString(), built.inputs[-1]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # ScatterND adds in any order with more
    expected = onnxruntime.InferenceSession(model, options).run(None, feeds)
    assert max_error(jitrt.InferenceSession(model).run(None, feeds), expected) < built.tolerance


def test_modules_have_known_names_and_run_in_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from bench import torch_models

    assert tuple(torch_models.MODULES) == EXCHANGED
    (case,), _ = find_cases(["torch-lstm"], {})
    files = case.write(tmp_path)
    feeds = load_feeds(files.shapes[1])
    outputs = {name: ENGINES[name](files.model, 1)(feeds) for name in ("jitrt", "torch")}
    assert max_error(outputs["jitrt"], outputs["torch"]) < 1e-5
    assert can_run("torch.compile", files.model)
    assert not can_run("torch.compile", tmp_path / "other.onnx")


def test_unknown_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"no model named nothing; known: .*tiny-mlp"):
        find_cases(["nothing"], {})


def test_folder_of_models_and_model_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "family" / "member"
    folder.mkdir(parents=True)
    built = BUILDERS["tiny-mlp"]()
    onnx.save(built.model, folder / "model.onnx")
    monkeypatch.setenv("JITRT_MODELS", str(tmp_path))
    (case,), _ = find_cases(["family/*"], {})
    assert (case.name, case.source) == ("family/member", "folder")
    (case,), _ = find_cases([str(folder / "model.onnx")], {"x": (9, 16)})
    files = case.write(tmp_path)
    assert [load_feeds(path)["x"].shape for path in [*files.inputs, *files.shapes]] == [
        (9, 16),
        (10, 16),
        (11, 16),
    ]


def test_engine_that_kills_the_process_is_blamed_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measurement("m", 1, "onnxruntime", "hot", 1.0)

    def run_module(module: str, arguments: list[str], cache: Path, timeout: float) -> processes.Outcome:
        engines = json.loads(arguments[0])["engines"]
        if "jitrt" in engines:
            return processes.Outcome([{"running": "onnxruntime"}, {"running": "jitrt"}], "killed by SIGSEGV")
        return processes.Outcome([{"running": "onnxruntime"}, {"measurement": vars(measured)}], None)

    monkeypatch.setattr(processes, "run_module", run_module)
    request = steady.Request("m", "m.onnx", [], [], ["jitrt", "onnxruntime"], "onnxruntime", ["hot"])
    found = list(processes.measure_steady(request, Path(), 1))
    assert found == [Measurement("m", 1, "jitrt", "hot", error="killed by SIGSEGV"), measured]


def test_process_that_fails_or_hangs_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = processes.run_module("bench.steady", [], tmp_path, 60)
    assert outcome == processes.Outcome([], "IndexError: list index out of range")

    hang = (
        """import time; print('{"running": "jitrt"}'); print('{"meas', end="", flush=True); time.sleep(60)"""
    )
    (tmp_path / "hang.py").write_text(hang)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = processes.run_module("hang", [], tmp_path, 1)
    assert outcome == processes.Outcome([{"running": "jitrt"}], "no result within 1 s")


@pytest.mark.skipif(not PEERS, reason="no peer is installed")
def test_quick_run(tmp_path: Path) -> None:
    subject, path = PEERS[0], tmp_path / "r.json"
    command = [sys.executable, "-m", "bench", "tiny-mlp", "--subject", subject, "--vs", ",".join(PEERS)]
    options = ["--quick", "--only", "hot,paced,shapes,start,memory", "--threads", "1", "--json", str(path)]
    done = subprocess.run(command + options, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Results.load(path)
    assert (found.subject, found.peers, found.context["threads"]) == (subject, PEERS[1:], 1)
    assert found.context["machine"]["cpu"]
    assert found.context["usage"]["tiny-mlp"]["elapsed_s"] > 0
    assert found.context["versions"][subject]

    measured = found.by_key()
    assert not any(m.error for m in measured.values())
    for engine in PEERS:
        for metric in ("hot", "paced"):
            for inputs in (1, 2):
                one = measured["tiny-mlp", inputs, engine, metric]
                assert 0 < one.details["p10"] <= one.value <= one.details["p90"]  # type: ignore[operator]
                assert one.details["runs"] >= 6
        assert ("tiny-mlp", 3, engine, "new_shape") in measured
        warm = measured["tiny-mlp", 1, engine, "warm"]
        assert warm.value > sum(warm.details[part] for part in ("import_s", "create_s", "run_s"))  # type: ignore[operator]
        assert measured["tiny-mlp", 1, engine, "memory"].value > 0  # type: ignore[operator]
    for engine in PEERS[1:]:
        assert measured["tiny-mlp", 1, engine, "error"].value < 1e-5  # type: ignore[operator]

    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 110
    for metric in ("hot", "paced", "first", "warm", "new_shape", "memory"):
        assert any(line.startswith(METRICS[metric].title) for line in lines)
