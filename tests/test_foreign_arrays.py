"""Tensors of other libraries as inputs: in the same memory where that can be read as it is."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from models import FLOAT, model, node, random, session
from onnx import TensorProto

import jitrt
from jitrt.dlpack import from_dlpack

RELU = model([node("Relu", ["x"], ["y"])], {"x": ["n", 3]}, ["y"])


def read(s: jitrt.InferenceSession, value: Any) -> np.ndarray:
    """The array that a run on the value reads."""
    _, (array,) = s.prepare(None, {"x": value})
    assert isinstance(array, np.ndarray)
    return array


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


class WithInterface:
    """Only has `__array_interface__`."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def __array_interface__(self) -> Any:
        return self.array.__array_interface__


class WithDlpack:
    """Only speaks DLPack, as of a device."""

    def __init__(self, array: np.ndarray, device: tuple[int, int] = (1, 0)) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


@pytest.mark.parametrize("wrap", [np.asarray, WithInterface, WithDlpack, jitrt.OrtValue.ortvalue_from_numpy])
def test_the_same_memory_is_read(wrap: Any) -> None:
    s, x = session(RELU), random(4, 3)
    value = wrap(x)
    assert address(read(s, value)) == address(x)
    np.testing.assert_array_equal(s.run(None, {"x": value})[0], np.maximum(x, 0))
    x[...] = 5  # is seen by the next run
    np.testing.assert_array_equal(s.run(None, {"x": value})[0], x)


def test_read_only_arrays_are_read_in_place() -> None:
    x = random(4, 3)
    x.flags.writeable = False
    assert address(read(session(RELU), x)) == address(x)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype(">f4"),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
        lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape),
        lambda x: WithDlpack(np.asfortranarray(x)),
        lambda x: WithInterface(np.repeat(x, 2, axis=1)[:, ::2]),
    ],
    ids=["big endian", "Fortran", "every second row", "reversed", "misaligned", "DLPack", "interface"],
)
def test_other_layouts_are_copied_once(change: Any) -> None:
    s, x = session(RELU), random(4, 3)
    value = change(x)
    array = read(s, value)
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert array.dtype.isnative
    np.testing.assert_array_equal(s.run(None, {"x": value})[0], np.maximum(x, 0))


def test_memory_of_other_devices_is_an_error() -> None:
    class OnCuda:
        __cuda_array_interface__ = {"shape": (1, 3), "typestr": "<f4", "data": (0, False), "version": 3}  # noqa: RUF012

    s = session(RELU)
    for value in (WithDlpack(random(1, 3), (2, 0)), OnCuda()):
        with pytest.raises(RuntimeError, match="cuda, not in host memory"):
            s.run(None, {"x": value})
    with pytest.raises(RuntimeError, match="device type 99"):
        s.run(None, {"x": WithDlpack(random(1, 3), (99, 0))})


def test_objects_that_hold_no_array() -> None:
    for value in (1.0, np.float32(1), object(), {1: 2}):
        with pytest.raises(RuntimeError, match="Unable to handle object of type"):
            session(RELU).run(None, {"x": value})


def test_a_capsule_keeps_its_memory_alive() -> None:
    x = random(2, 3)
    gone = weakref.ref(x)
    array = from_dlpack(x)
    wanted = x.copy()
    del x
    gc.collect()
    assert gone() is not None
    np.testing.assert_array_equal(array, wanted)
    del array
    gc.collect()
    assert gone() is None


def test_empty_and_zero_dimensional_tensors() -> None:
    assert from_dlpack(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert from_dlpack(np.array(3.0)).item() == 3
    np.testing.assert_array_equal(session(RELU).run(None, {"x": WithDlpack(random(0, 3))})[0], random(0, 3))


def test_values_and_dlpack() -> None:
    x = random(2, 3)
    value = jitrt.OrtValue.from_dlpack(x)
    assert value.data_ptr() == address(x) == address(np.from_dlpack(value))
    assert jitrt.OrtValue.from_dlpack(value.to_dlpack()).data_ptr() == address(x)
    truth = jitrt.OrtValue.from_dlpack(np.array([1, 0], np.uint8).__dlpack__(), True)
    assert truth.data_type() == "tensor(bool)"


TORCH_TYPES = ["float32", "float64", "float16", "bfloat16", "int8", "uint8", "int32", "int64", "bool"]
TORCH_TYPES += ["float8_e4m3fn", "float8_e5m2"]


@pytest.mark.parametrize("name", TORCH_TYPES)
def test_torch_tensors(name: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[0.0, 1.0, 2.0]]).to(getattr(torch, name))
    onnx_type = getattr(
        TensorProto, {"float32": "FLOAT", "float64": "DOUBLE"}.get(name, name.replace("_", "").upper())
    )
    s = session(model([node("Identity", ["x"], ["y"])], {"x": (onnx_type, ["n", 3])}, ["y"], opset=21))
    array = read(s, tensor)
    assert address(array) == tensor.data_ptr()
    (result,) = s.run(None, {"x": tensor})
    assert result.dtype == array.dtype
    assert np.dtype(getattr(ml_dtypes, name, name)) == result.dtype
    np.testing.assert_array_equal(result.astype(np.float32), tensor.float().numpy())
    if name not in ("float8_e4m3fn", "float8_e5m2"):  # which PyTorch does not take
        back = torch.from_dlpack(jitrt.OrtValue(result))
        assert back.dtype == tensor.dtype
        assert torch.equal(back, tensor)


def test_torch_tensors_of_other_layouts() -> None:
    torch = pytest.importorskip("torch")
    s, x = session(RELU), random(3, 4)
    transposed = torch.from_numpy(x).T
    np.testing.assert_array_equal(s.run(None, {"x": transposed})[0], np.maximum(x.T, 0))
    tracked = torch.from_numpy(x.T.copy()).requires_grad_()
    assert address(read(s, tracked)) == tracked.data_ptr()
    np.testing.assert_array_equal(s.run(None, {"x": torch.nn.Parameter(tracked)})[0], np.maximum(x.T, 0))


def test_results_bound_to_a_tensor_of_torch() -> None:
    torch = pytest.importorskip("torch")
    s, x, y = session(RELU), torch.full((2, 3), -1.0), torch.ones(2, 3)
    binding = s.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, tuple(x.shape), x.data_ptr())
    binding.bind_output("y", "cpu", 0, np.float32, tuple(y.shape), y.data_ptr())
    s.run_with_iobinding(binding)
    assert torch.equal(y, torch.zeros(2, 3))


def test_bfloat16_fed_as_its_bits() -> None:
    s = session(model([node("Neg", ["x"], ["y"])], {"x": (TensorProto.BFLOAT16, ["n"])}, ["y"]))
    bits = np.array([1.5, -2], ml_dtypes.bfloat16).view(np.uint16)
    assert address(read(s, bits)) == address(bits)
    assert s.run(None, {"x": bits})[0].tolist() == [-1.5, 2]


def test_wrong_types_of_other_libraries() -> None:
    s = session(model([node("Relu", ["x"], ["y"])], {"x": (FLOAT, ["n"])}, ["y"]))
    with pytest.raises(jitrt.errors.InvalidArgument, match=r"Actual: \(tensor\(double\)\)"):
        s.run(None, {"x": WithDlpack(random(3, dtype=np.float64))})
