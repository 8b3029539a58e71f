"""Profiles: trace events of runs, kernels and operators, as onnxruntime writes them."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import STRING, model, node, random, session

import jitrt

NETWORK = model(
    [
        node("MatMul", ["x", "w"], ["m"], "product"),
        node("Add", ["m", "b"], ["a"], "sum"),
        node("Relu", ["a"], ["r"], "relu"),
        node("MatMul", ["r", "v"], ["y"], "last"),
    ],
    {"x": ["n", 8]},
    ["y"],
    {"w": random(8, 8), "b": random(8), "v": random(8, 3)},
)
FIELDS = {"cat", "pid", "tid", "dur", "ts", "ph", "name", "args"}


def profiled(source: bytes, folder: Path, threads: int = 1) -> jitrt.InferenceSession:
    options = jitrt.SessionOptions()
    options.enable_profiling = True
    options.intra_op_num_threads = threads
    options.profile_file_prefix = str(folder / "mine")
    return jitrt.InferenceSession(source, options)


def events_of(path: str) -> list[dict[str, Any]]:
    events = json.loads(Path(path).read_text())
    assert isinstance(events, list)
    return events


def test_events_are_complete_and_in_order(tmp_path: Path) -> None:
    s = profiled(NETWORK, tmp_path)
    for _ in range(3):
        s.run(None, {"x": random(5, 8)})
    path = s.end_profiling()
    assert Path(path).name.startswith("mine_")
    events = events_of(path)
    for event in events:
        assert set(event) == FIELDS
        assert event["ph"] == "X"
        assert event["pid"] == os.getpid()
        assert event["dur"] >= 0
    starts = [event["ts"] for event in events]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    runs = [e for e in events if (e["cat"], e["name"]) == ("Session", "model_run")]
    kernels = [e for e in events if e["cat"] == "Node"]
    assert len(runs) == 3
    for kernel in kernels:  # lies within a run
        assert any(
            r["ts"] <= kernel["ts"] and kernel["ts"] + kernel["dur"] <= r["ts"] + r["dur"] for r in runs
        )
    assert s.get_profiling_start_time_ns() > 0


def test_each_kernel_names_its_nodes(tmp_path: Path) -> None:
    s = profiled(NETWORK, tmp_path)
    s.run(None, {"x": random(5, 8)})
    kernels = [e for e in events_of(s.end_profiling()) if e["cat"] == "Node"]
    fused = next(e for e in kernels if "product" in e["args"]["nodes"])
    assert fused["args"]["nodes"] == ["product", "sum", "relu"]
    assert fused["args"]["op_name"] == "MatMul+Add+Relu"
    assert fused["args"]["provider"] == "CPUExecutionProvider"
    assert fused["name"] == "product+sum+relu_kernel_time"
    assert fused["args"]["flops"] >= 2 * 5 * 8 * 8
    assert fused["args"]["bytes"] > 0
    assert {n for e in kernels for n in e["args"]["nodes"]} == {"product", "sum", "relu", "last"}


def test_host_operators_are_there_as_well(tmp_path: Path) -> None:
    source = model(
        [node("StringNormalizer", ["x"], ["y"], "upper", case_change_action="UPPER")],
        {"x": (STRING, ["n"])},
        ["y"],
    )
    s = profiled(source, tmp_path)
    assert s.run(None, {"x": np.array(["a"], object)})[0].tolist() == ["A"]
    (event,) = [e for e in events_of(s.end_profiling()) if e["cat"] == "Node"]
    assert event["args"]["op_name"] == "StringNormalizer"
    assert event["name"] == "upper_kernel_time"


def test_threads_add_to_one_profile(tmp_path: Path) -> None:
    s = profiled(NETWORK, tmp_path, threads=2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: s.run(None, {"x": random(n + 1, 8)}), range(40)))
    events = events_of(s.end_profiling())
    assert len([e for e in events if e["name"] == "model_run"]) == 40
    assert len({e["tid"] for e in events}) > 1


def test_files_do_not_replace_each_other(tmp_path: Path) -> None:
    paths = []
    for _ in range(3):
        s = profiled(NETWORK, tmp_path)
        s.run(None, {"x": random(2, 8)})
        paths.append(s.end_profiling())
    assert len(set(paths)) == 3
    assert sorted(map(str, tmp_path.iterdir())) == sorted(paths)


def test_results_are_those_without_a_profile(tmp_path: Path) -> None:
    x = random(5, 8)
    for got, wanted in zip(
        profiled(NETWORK, tmp_path).run(None, {"x": x}), session(NETWORK).run(None, {"x": x}), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_fields_are_onnxruntimes(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "theirs")
    theirs = onnxruntime.InferenceSession(NETWORK, options, providers=["CPUExecutionProvider"])
    ours = profiled(NETWORK, tmp_path)
    kinds = []
    for s in (theirs, ours):
        s.run(None, {"x": random(5, 8)})
        events = events_of(s.end_profiling())
        nodes = [e for e in events if e["cat"] == "Node" and e["name"].endswith("_kernel_time")]
        kinds.append(
            (set.intersection(*map(set, nodes)), {e["name"] for e in events if e["cat"] == "Session"})
        )
    assert kinds[0][0] == kinds[1][0] == FIELDS
    assert {"model_run"} <= kinds[0][1] & kinds[1][1]
    their_arguments = {"op_name", "provider", "node_index"}
    assert their_arguments <= set(nodes[0]["args"])
