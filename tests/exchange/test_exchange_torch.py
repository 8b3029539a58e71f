"""Networks exported by PyTorch's two exporters give what PyTorch gives."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install -e '.[exchange]'")
pytest.importorskip("onnxscript", reason="pip install -e '.[exchange]'")

from torch.utils._pytree import tree_leaves  # noqa: E402
from torch_functions import FUNCTIONS  # noqa: E402
from torch_networks import LAYERS, Network, Repeats  # noqa: E402

import jitrt  # noqa: E402

EXPORTED_WITH = 3  # the batch size
NETWORKS = [*LAYERS, *FUNCTIONS]
OF_DYNAMO = [network for network in NETWORKS if "dynamo" in network.exporters]
OF_SCRIPT = [network for network in NETWORKS if "script" in network.exporters]


def named(network: Network) -> str:
    return network.name


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def by_dynamo(module, network, *, dynamic: bool, opset: int | None = None) -> bytes:
    """The model by the exporter that is the default since PyTorch 2.9."""
    arguments = network.inputs(EXPORTED_WITH)
    free = tuple(dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in network.axes)
    program = torch.onnx.export(
        module,
        arguments,
        dynamo=True,
        dynamic_shapes=free if dynamic else None,
        input_names=names(arguments),
        opset_version=opset,
        verbose=False,
    )
    return program.model_proto.SerializeToString()


def by_script(module, network, *, dynamic: bool, opset: int) -> bytes:
    """The model by the exporter that traces into TorchScript."""
    arguments = network.inputs(EXPORTED_WITH)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            arguments,
            file,
            dynamo=False,
            dynamic_axes=dict(zip(names(arguments), network.axes, strict=True)) if dynamic else None,
            input_names=names(arguments),
            opset_version=opset,
        )
    return file.getvalue()


def names(arguments) -> list[str]:
    return [f"x{i}" for i in range(len(arguments))]


def assert_agrees(source: bytes, module, network, *, dynamic: bool) -> None:
    """The model gives what the module gives, for every batch size that it takes."""
    session = jitrt.InferenceSession(source)
    for n in network.batches if dynamic else (EXPORTED_WITH,):
        arguments = network.inputs(n)
        with torch.no_grad():
            wanted = tree_leaves(module(*arguments))
        got = session.run(None, dict(zip(names(arguments), arguments, strict=True)))
        assert len(got) == len(wanted)
        for index, (g, w) in enumerate(zip(got, wanted, strict=True)):
            assert_same(g, w, network.tolerance, f"output {index} for a batch of {n}")


def assert_same(got, wanted, tolerance: float, what: str) -> None:
    """An array and a tensor have one type, shape, and values up to the tolerance times the largest."""
    assert str(wanted.dtype) == f"torch.{got.dtype}", what
    assert tuple(wanted.shape) == got.shape, what
    if not wanted.dtype.is_floating_point:
        np.testing.assert_array_equal(got, wanted.numpy(), what)
        return
    if got.dtype.itemsize == 2:
        tolerance = 2e-2
    w, g = wanted.double().numpy(), got.astype(np.float64)
    np.testing.assert_array_equal(np.isfinite(g), np.isfinite(w), what)
    scale = np.abs(w[np.isfinite(w)]).max(initial=0)
    np.testing.assert_allclose(g, w, rtol=0, atol=tolerance * scale, err_msg=what)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("network", OF_DYNAMO, ids=named)
def test_dynamo(network, dynamic):
    module = network.make().eval()
    opset = None if dynamic else 23
    assert_agrees(by_dynamo(module, network, dynamic=dynamic, opset=opset), module, network, dynamic=dynamic)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("newest", [False, True], ids=["oldest", "newest"])
@pytest.mark.parametrize("network", OF_SCRIPT, ids=named)
def test_torchscript(network, newest, dynamic):
    module, opset = network.make().eval(), 20 if newest else network.since
    assert_agrees(by_script(module, network, dynamic=dynamic, opset=opset), module, network, dynamic=dynamic)


@pytest.mark.parametrize("opset", [11, 17])
def test_a_scripted_loop_runs_as_often_as_an_input_says(opset):
    scripted = torch.jit.script(Repeats())
    network = Network("repeats", Repeats, lambda n: (torch.randn(2, 3), torch.tensor(n)), ({}, {}))
    session = jitrt.InferenceSession(by_script(scripted, network, dynamic=True, opset=opset))
    for rounds in (0, 1, 7):
        x = torch.randn(2, 3)
        (got,) = session.run(None, {"x0": x, "x1": torch.tensor(rounds)})
        assert_same(got, scripted(x, rounds), 1e-5, f"{rounds} rounds")
