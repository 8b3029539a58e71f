"""What options do, and what they say of themselves."""

from __future__ import annotations

import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import model, node, random, session

import jitrt
from jitrt import options as options_of
from jitrt.errors import EPFail, Fail, InvalidArgument, ModelLoadCanceled
from jitrt.execute.pool import STOPPED
from jitrt.table import Failure, Table

RELU = model([node("Relu", ["x"], ["y"])], {"x": ["n"]}, ["y"])
ADD = model([node("Add", ["x", "w"], ["y"])], {"x": ["n", 2]}, ["y"], {"w": np.float32([1, 2])})
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def made(options: jitrt.SessionOptions, source: Any = RELU, **more: Any) -> jitrt.InferenceSession:
    return jitrt.InferenceSession(source, options, **more)


def test_an_option_without_a_meaning_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options_of, "_warned", set())
    options = jitrt.SessionOptions()
    options.execution_mode = jitrt.ExecutionMode.ORT_PARALLEL
    options.enable_mem_pattern = False
    options.inter_op_num_threads = 3
    options.add_session_config_entry("session.no_such_thing", "1")
    options.set_provider_selection_policy(jitrt.OrtExecutionProviderDevicePolicy.PREFER_NPU)
    with pytest.warns(UserWarning, match="options without a meaning in jitrt") as caught:
        made(options)
    (warning,) = caught
    assert warning.filename == __file__
    for named in (
        "execution_mode=ORT_PARALLEL",
        "enable_mem_pattern=False",
        "inter_op_num_threads=3",
        "session.no_such_thing=1",
        "provider_selection_policy=PREFER_NPU",
    ):
        assert named in str(warning.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(options)


def test_options_that_mean_something_are_not_named() -> None:
    options = jitrt.SessionOptions()
    for name in ("intra_op_num_threads", "inter_op_num_threads", "log_verbosity_level"):
        setattr(options, name, 1)
    options.use_deterministic_compute = True
    options.use_per_session_threads = False
    for key, values in options_of.CONFIG_ENTRIES.items():
        options.add_session_config_entry(key, values[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(options).run(None, {"x": random(2)})


def test_entries_with_a_value_that_means_nothing() -> None:
    with pytest.raises(ValueError, match=r"jitrt\.batch_invariant: expected one of 0, 1, got 'yes'"):
        jitrt.SessionOptions().add_session_config_entry("jitrt.batch_invariant", "yes")


def test_types_of_options() -> None:
    options = jitrt.SessionOptions()
    with pytest.raises(TypeError, match=r"SessionOptions.logid: expected str, got 3 \(int\)"):
        options.logid = 3  # type: ignore[assignment]
    options.enable_profiling = np.bool_(True)  # type: ignore[assignment]
    options.intra_op_num_threads = np.int64(2)  # type: ignore[assignment]
    assert repr(options) == "SessionOptions(enable_profiling=True, intra_op_num_threads=2)"
    assert type(options.intra_op_num_threads) is int


def test_initializers_of_the_caller() -> None:
    options, x = jitrt.SessionOptions(), random(3, 2)
    options.add_initializer("w", np.float32([10, 20]))
    np.testing.assert_array_equal(made(options, ADD).run(None, {"x": x})[0], x + np.float32([10, 20]))
    options = jitrt.SessionOptions()
    options.add_external_initializers(["w"], [jitrt.OrtValue.ortvalue_from_numpy(np.float32([5, 6]))])
    np.testing.assert_array_equal(made(options, ADD).run(None, {"x": x})[0], x + np.float32([5, 6]))
    for wrong in (np.float64([1, 2]), np.float32([1, 2, 3])):
        options.add_initializer("w", wrong)
        with pytest.raises(InvalidArgument, match=r"Initializer w: .* give f\d\d\[\d\] for f32\[2\]"):
            made(options, ADD)
    with pytest.raises(RuntimeError, match="2 names of initializers and 1 values"):
        options.add_external_initializers(["w", "v"], [np.ones(2)])


@pytest.mark.parametrize("as_bytes", [True, False])
def test_files_of_initializers_in_memory(as_bytes: bool, tmp_path: Path) -> None:
    path, weights = tmp_path / "m.onnx", random(2, 2)
    proto = onnx.load_from_string(
        model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 2]}, ["y"], {"w": weights})
    )
    onnx.save_model(proto, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    content = (tmp_path / "w.bin").read_bytes()
    (tmp_path / "w.bin").unlink()
    options = jitrt.SessionOptions()
    options.add_external_initializers_from_files_in_memory(["w.bin"], [bytearray(content)], [len(content)])
    x = random(3, 2)
    s = made(options, path.read_bytes() if as_bytes else path)
    np.testing.assert_allclose(s.run(None, {"x": x})[0], x @ weights, rtol=1e-5)


def test_optimized_model_has_no_functions(tmp_path: Path) -> None:
    source = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["": 18, "local": 1]>
        g (float[n] x) => (float[n] y) { y = local.twice (x) }
        <opset_import: ["": 18], domain: "local">
        twice (a) => (b) { b = Add (a, a) }"""
    )
    options = jitrt.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "flat.onnx")
    made(options, source.SerializeToString())
    written = onnx.load(options.optimized_model_filepath)
    onnx.checker.check_model(written)
    assert [n.op_type for n in written.graph.node] == ["Add"]
    assert jitrt.InferenceSession(written.SerializeToString()).run(None, {"x": np.float32([2])})[0] == [4]


def test_loading_can_be_cancelled() -> None:
    options = jitrt.SessionOptions()
    options.set_load_cancellation_flag(True)
    with pytest.raises(ModelLoadCanceled, match="canceled due to user request"):
        made(options)
    options.set_load_cancellation_flag(False)
    made(options)


def test_providers_of_options() -> None:
    options = jitrt.SessionOptions()
    options.add_provider(CUDA, {})
    with pytest.raises(EPFail, match=rf"{CUDA} not available: this version of jitrt has no GPU backend"):
        made(options)
    options.add_provider_for_devices(jitrt.get_ep_devices(), {"a": "b"})
    with pytest.warns(UserWarning, match=rf"{CUDA} not available; the session runs on {CPU}"):
        s = made(options)
    assert s.get_providers() == [CPU]
    assert s.get_provider_options() == {CPU: {}}  # which has none
    assert made(options, providers=[CPU]).get_provider_options() == {CPU: {}}


def test_a_gpu_that_is_not_there() -> None:
    for providers in ([CUDA], CUDA, [(CUDA, {"device_id": 0})], [CUDA, "TensorrtExecutionProvider"]):
        with pytest.raises(EPFail, match="Add that to the providers to run there instead"):
            jitrt.InferenceSession(RELU, providers=providers)
    with pytest.warns(UserWarning, match="not available") as caught:
        s = jitrt.InferenceSession(RELU, providers=[CUDA, CPU])
    assert [str(w.message) for w in caught] == [f"{CUDA} not available; the session runs on {CPU}"]
    assert caught[0].filename == __file__
    assert s.get_providers() == [CPU]
    with pytest.raises(EPFail):
        s.set_providers([CUDA])
    assert s.get_providers() == [CPU]


LONG = model(
    [node("MatMul", [f"x{i}" if i else "x", "w"], [f"x{i + 1}"]) for i in range(200)],
    {"x": ["n", 256]},
    ["x200"],
    {"w": random(256, 256) / 16},
)


def run_until_it_ends(s: jitrt.InferenceSession, feed: Any, options: jitrt.RunOptions) -> None:
    while True:
        s.run(None, feed, options)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_ends_in_the_middle(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread sets `terminate`, and the run stops before its next kernel."""
    s, feed = session(LONG, threads=threads), {"x": random(512, 256)}
    wanted = s.run(None, feed)[0]
    run, results = Table.run, []

    def noted(self: Table, *arguments: Any) -> Any:
        results.append(run(self, *arguments))
        return results[-1]

    monkeypatch.setattr(Table, "run", noted)
    options = jitrt.RunOptions()
    for _ in range(20):  # a run may also end just then
        timer = threading.Timer(0.03, lambda: setattr(options, "terminate", True))
        timer.start()
        with pytest.raises(Fail, match="Exiting due to terminate flag being set to true"):
            run_until_it_ends(s, feed, options)
        timer.join()
        if isinstance(results[-1], Failure):
            break
        options.terminate = False
    assert results[-1].status == STOPPED
    with pytest.raises(Fail, match="terminate"):
        s.run(None, feed, options)
    np.testing.assert_array_equal(s.run(None, feed)[0], wanted)  # others go on
    options.terminate = False
    np.testing.assert_array_equal(s.run(None, feed, options)[0], wanted)


def test_terminate_ends_all_runs_with_the_options() -> None:
    s, feed, options = session(LONG), {"x": random(512, 256)}, jitrt.RunOptions()
    s.run(None, feed)
    started, ended = threading.Barrier(4), []

    def runs() -> None:
        started.wait()
        try:
            run_until_it_ends(s, feed, options)
        except Fail as error:
            ended.append(error.message)

    threads = [threading.Thread(target=runs) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait()
    time.sleep(0.02)
    options.terminate = True
    for thread in threads:
        thread.join(60)
    assert ended == ["Exiting due to terminate flag being set to true."] * 3


def test_terminate_inside_a_loop() -> None:
    """Bodies of control flow belong to the run."""
    body = onnx.helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("MatMul", ["v", "w"], ["v2"])],
        "body",
        [
            onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            onnx.helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("v", onnx.TensorProto.FLOAT, [64, 64]),
        ],
        [
            onnx.helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("v2", onnx.TensorProto.FLOAT, [64, 64]),
        ],
    )
    source = model(
        [node("Loop", ["times", "true", "x"], ["y"], body=body)],
        {"x": [64, 64]},
        ["y"],
        {"times": np.array(10**9), "true": np.array(True), "w": np.eye(64, dtype=np.float32)},
    )
    s, options = session(source), jitrt.RunOptions()
    timer = threading.Timer(0.3, lambda: setattr(options, "terminate", True))
    timer.start()
    with pytest.raises(Fail, match="terminate"):
        s.run(None, {"x": random(64, 64)}, options)
    timer.join()
