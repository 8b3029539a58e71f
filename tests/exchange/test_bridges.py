"""Sessions as modules of PyTorch and functions of JAX."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
from bridge_models import BF16, F16, A, B, affine, doubled
from models import BOOL, INT64, STRING, model, node
from models import session as session_of


class TestTorch:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    def test_arguments_by_position_and_by_name(self, torch):
        module = session_of(affine()).as_torch_module()
        a, b = torch.from_numpy(A), torch.from_numpy(B)
        for y, z in (module(a, b), module(a, b=b), module(b=b, a=a)):
            assert torch.equal(y, 2 * a + b)
            assert torch.equal(z, a < b)
        with pytest.raises(TypeError, match=r"takes 2 inputs \(a, b\), got 3"):
            module(a, b, b)
        with pytest.raises(TypeError, match="input 'a' is given by position and by name"):
            module(a, a=a)
        with pytest.raises(ValueError, match="Required inputs"):
            module(a)

    @pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8"])
    def test_types(self, torch, name):
        code = {
            "float32": 1,
            "float64": 11,
            "float16": F16,
            "bfloat16": BF16,
            "int64": 7,
            "int32": 6,
            "uint8": 2,
        }
        x = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(getattr(torch, name))
        y = session_of(doubled(code[name])).as_torch_module()(x)
        assert y.dtype == x.dtype
        assert torch.equal(y, x + x)

    def test_memory_is_shared(self, torch):
        session = session_of(doubled())
        seen = []

        class Watched:
            get_inputs = session.get_inputs

            def run(self, names, feeds):
                seen.extend([feeds["x"].data_ptr(), *session.run(names, feeds)])
                return seen[1:]

        from jitrt.torch_module import TorchModule

        x = torch.ones(4, 3)
        y = TorchModule(Watched())(x)
        assert seen[0] == x.data_ptr()
        assert seen[1].ctypes.data == y.data_ptr()
        y[0] = 7
        assert session.run(None, {"x": x})[0][0, 0] == 2

    def test_views_and_empty_tensors(self, torch):
        module = session_of(doubled()).as_torch_module()
        x = torch.arange(24.0).reshape(3, 8).T[::2]
        assert torch.equal(module(x), 2 * x)
        assert module(torch.zeros(0, 3)).shape == (0, 3)

    def test_an_output_that_is_an_input_is_a_copy(self, torch):
        same = session_of(model([node("Identity", ["x"], ["y"])], {"x": [3]}, ["y"])).as_torch_module()
        x = torch.ones(3)
        same(x)[0] = 5
        assert x[0] == 1

    def test_gradients_are_refused_where_they_would_be_wrong(self, torch):
        module = session_of(affine()).as_torch_module()
        x = torch.ones(2, 3, requires_grad=True)
        y, z = module(x, torch.ones(3))
        assert y.requires_grad
        assert not z.requires_grad
        with pytest.raises(RuntimeError, match="computes no gradients through a session"):
            y.sum().backward()
        with torch.no_grad():
            assert not module(x, torch.ones(3))[0].requires_grad
        assert not module(x.detach(), torch.ones(3))[0].requires_grad
        with torch.inference_mode():
            assert torch.equal(module(x, torch.ones(3))[0], 2 * x + 1)

    def test_a_frozen_part_of_a_network_that_learns(self, torch):
        frozen, head = session_of(doubled()).as_torch_module(), torch.nn.Linear(3, 1)
        network = torch.nn.Sequential(frozen, head).train()
        assert list(frozen.parameters()) == []
        network(torch.ones(5, 3)).sum().backward()
        assert torch.equal(head.weight.grad, torch.full((1, 3), 10.0))

    def test_it_is_saved_with_the_network_it_is_part_of(self, torch):
        network = torch.nn.Sequential(torch.nn.Linear(3, 3), session_of(doubled()).as_torch_module())
        file = io.BytesIO()
        torch.save(network, file)
        file.seek(0)
        loaded, x = torch.load(file, weights_only=False), torch.ones(2, 3)
        for other in (loaded, copy.deepcopy(network)):
            assert torch.equal(other(x), network(x))
        assert "x: tensor(float)['n', 3] -> y: tensor(float)" in repr(network)

    def test_a_tensor_elsewhere_is_not_moved(self, torch):
        module = session_of(doubled()).as_torch_module()
        with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
            module(torch.ones(2, 3, device="meta"))

    def test_strings_and_sequences(self, torch):
        nodes = [node("StringConcat", ["s", "s"], ["t"]), node("SplitToSequence", ["x"], ["parts"], axis=0)]
        module = session_of(
            model(nodes, {"s": (STRING, [1]), "x": [2, 3]}, ["t", "parts"], opset=20)
        ).as_torch_module()
        text, parts = module(np.array(["ab"], dtype=object), torch.from_numpy(A))
        assert text.tolist() == ["abab"]
        assert torch.equal(torch.cat(parts), torch.from_numpy(A))

    def test_inside_a_compiled_network(self, torch):
        module = session_of(doubled()).as_torch_module()
        compiled = torch.compile(lambda x: module(x + 1) * 3, backend="eager")
        with torch.no_grad():
            for n in (2, 5):
                assert torch.equal(compiled(torch.ones(n, 3)), torch.full((n, 3), 12.0))


class TestJax:
    @pytest.fixture
    def jax(self):
        return pytest.importorskip("jax")

    def test_eagerly_and_under_jit(self, jax):
        function = session_of(affine()).as_jax_function()
        compiled = jax.jit(lambda a, b: function(a + 1, b=b))
        for n in (1, 2, 5):
            a = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
            for y, z in (function(jax.numpy.asarray(a + 1), B), compiled(a, B)):
                assert isinstance(y, jax.Array)
                np.testing.assert_array_equal(y, 2 * (a + 1) + B)
                np.testing.assert_array_equal(z, a + 1 < B)

    @pytest.mark.parametrize("name", ["float16", "bfloat16", "int32", "bool_"])
    def test_types(self, jax, name):
        code = {"float16": F16, "bfloat16": BF16, "int32": 6, "bool_": BOOL}[name]
        nodes = [node("Identity" if name == "bool_" else "Neg", ["x"], ["y"])]
        function = session_of(model(nodes, {"x": (code, [3])}, ["y"])).as_jax_function()
        x = jax.numpy.asarray([0, 1, 2], getattr(jax.numpy, name))
        for y in (function(x), jax.jit(function)(x)):
            assert y.dtype == x.dtype
            np.testing.assert_array_equal(y, x if name == "bool_" else -x)

    def test_int32_stands_for_int64(self, jax):
        function = session_of(
            model([node("Mul", ["i", "i"], ["j"])], {"i": (INT64, ["n"])}, ["j"])
        ).as_jax_function()
        for compute in (function, jax.jit(function)):
            j = compute(jax.numpy.arange(4))
            assert j.dtype == jax.numpy.arange(4).dtype
            np.testing.assert_array_equal(j, [0, 1, 4, 9])

    def test_mapped_over_a_batch(self, jax):
        row = session_of(
            model([node("Softmax", ["x"], ["y"], axis=0)], {"x": ["n"]}, ["y"])
        ).as_jax_function()
        np.testing.assert_allclose(jax.vmap(row)(A), jax.nn.softmax(A), rtol=1e-6)

    def test_gradients_are_refused(self, jax):
        function = session_of(doubled()).as_jax_function()
        with pytest.raises(ValueError, match="callbacks do not support JVP"):
            jax.grad(lambda x: function(x).sum())(A)
