"""Random numbers: the generators by known answers, the operators by statistics with fixed seeds."""

from math import erf

import numpy as np
import pytest
from jitrt.ops import _generators
from oracle import BF16, normal

import jitrt

N = 100_000
KOLMOGOROV = 1.95  # exceeded with probability 0.001


def kolmogorov(x, distribution):
    """The largest distance from the distribution function, times the square root of the number."""
    x = np.sort(np.asarray(x, np.float64))
    expected, n = distribution(x), len(x)
    above = np.arange(1, n + 1) / n - expected
    below = expected - np.arange(n) / n
    return max(above.max(), below.max()) * np.sqrt(n)


def normal_distribution(x):
    return np.array([(1 + erf(v / 2**0.5)) / 2 for v in x])


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_known_answers(counter, key, expected):
    """From the authors' library, Random123."""
    words = [np.array([w], np.uint32) for w in (*counter, *key)]
    x, y = _generators.threefry(tuple(words[:2]), tuple(words[2:]))
    assert (int(x[0]), int(y[0])) == expected


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1, -1])
def test_mersenne_twister_is_numpys(seed):
    x = np.ones((40, 50), np.float32)
    _, mask = jitrt.call("Dropout", x, np.float32(0.3), np.True_, seed=seed, outputs=2)
    numbers = np.random.RandomState(seed % 2**32).uniform(0, 1, x.shape)
    np.testing.assert_array_equal(mask, numbers >= 0.3)


@pytest.mark.parametrize("code", [1, 11])
def test_uniform(code):
    x = jitrt.call("RandomUniform", shape=[N], dtype=code, low=-2.0, high=3.0, seed=7.0)
    assert -2 <= x.min() < x.max() <= 3
    assert abs(x.mean() - 0.5) < 0.02
    assert abs(x.var() - 25 / 12) < 0.03
    assert kolmogorov(x, lambda v: (v + 2) / 5) < KOLMOGOROV


@pytest.mark.parametrize("code", [1, 11])
def test_normal(code):
    x = jitrt.call("RandomNormal", shape=[N], dtype=code, mean=1.5, scale=2.0, seed=7.0)
    assert abs(x.mean() - 1.5) < 0.03
    assert abs(x.std() - 2) < 0.03
    assert kolmogorov((x - 1.5) / 2, normal_distribution) < KOLMOGOROV


@pytest.mark.parametrize(("code", "dtype"), [(1, np.float32), (10, np.float16), (11, np.float64), (16, BF16)])
def test_types(code, dtype):
    for op in ("RandomNormal", "RandomUniform"):
        x = jitrt.call(op, shape=[3, 5], dtype=code, seed=1.0)
        assert x.dtype == dtype
        assert x.shape == (3, 5)
        like = jitrt.call(f"{op}Like", np.zeros((3, 5), dtype), seed=1.0)
        np.testing.assert_array_equal(x, like)
    assert jitrt.call("Bernoulli", np.full(4, 1, dtype)).dtype == dtype


@pytest.mark.parametrize(
    "like", [np.array([["a", "b"]]), np.zeros((1, 2), np.complex64), np.zeros((1, 2), int)]
)
def test_like_a_tensor_of_another_type(like):
    x = jitrt.call(
        "RandomUniformLike", like.astype(object) if like.dtype.kind == "U" else like, dtype=1, seed=2.0
    )
    np.testing.assert_array_equal(x, jitrt.call("RandomUniform", shape=[1, 2], seed=2.0))


def test_the_result_must_be_floating():
    with pytest.raises(jitrt.errors.Fail, match="must be of a floating-point type, got int64"):
        jitrt.call("RandomNormalLike", np.zeros(3, np.int64))


CALLS = [
    ("RandomUniform", [], {"shape": [64]}),
    ("RandomNormal", [], {"shape": [64]}),
    ("RandomUniformLike", [normal(64)], {}),
    ("RandomNormalLike", [normal(64)], {}),
    ("Bernoulli", [np.full(64, 0.5, np.float32)], {}),
    ("Multinomial", [np.zeros((1, 50), np.float32)], {"sample_size": 64}),
]


@pytest.mark.parametrize(("op", "inputs", "attributes"), CALLS, ids=[c[0] for c in CALLS])
def test_a_seed_repeats_and_none_differs(op, inputs, attributes):
    first = jitrt.call(op, *inputs, seed=3.0, **attributes)
    np.testing.assert_array_equal(first, jitrt.call(op, *inputs, seed=3.0, **attributes))
    assert (first != jitrt.call(op, *inputs, seed=4.0, **attributes)).any()
    free = [jitrt.call(op, *inputs, **attributes).tobytes() for _ in range(3)]
    assert len(set(free)) == 3


def test_two_nodes_without_a_seed_differ():
    from onnx import helper

    nodes = [helper.make_node("RandomUniform", [], [y], shape=[8]) for y in "ab"]
    outputs = [helper.make_tensor_value_info(y, 1, [8]) for y in "ab"]
    model = helper.make_model(helper.make_graph(nodes, "g", [], outputs))
    a, b = jitrt.InferenceSession(model.SerializeToString()).run(None, {})
    assert (a != b).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_numbers_do_not_depend_on_threads(threads):
    from onnx import helper

    node = helper.make_node("RandomNormal", [], ["y"], shape=[N], seed=5.0)
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", 1, [N])])
    options = jitrt.SessionOptions()
    options.intra_op_num_threads = threads
    session = jitrt.InferenceSession(helper.make_model(graph).SerializeToString(), options)
    np.testing.assert_array_equal(session.run(None, {})[0], jitrt.call("RandomNormal", shape=[N], seed=5.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli(dtype):
    p = np.array([0, 0.1, 0.5, 0.9, 1], dtype)
    drawn = jitrt.call("Bernoulli", np.repeat(p[:, None], N, 1), dtype=9, seed=1.0)
    assert drawn.dtype == np.bool_
    share = drawn.mean(1)
    assert share[0] == 0
    assert share[4] == 1
    assert (np.abs(share - p) < 0.01).all()


def test_multinomial():
    weights = np.array([[1, 2, 7, 0], [4, 4, 1, 1]]) * np.array([[0.1], [50]])
    with np.errstate(divide="ignore"):
        x = np.log(weights).astype(np.float32)
    y = jitrt.call("Multinomial", x, sample_size=N, seed=1.0)
    assert y.dtype == np.int32
    for row, expected in zip(y, weights / weights.sum(1, keepdims=True), strict=True):
        share = np.bincount(row, minlength=4) / N
        assert (np.abs(share - expected) < 0.01).all()
        assert share[3] == 0 or expected[3] > 0
    assert jitrt.call("Multinomial", x.astype(np.float16), dtype=7).dtype == np.int64


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, BF16])
@pytest.mark.parametrize("seed", [None, 5])
def test_dropout_in_training(dtype, seed):
    options = {} if seed is None else {"seed": seed}
    x = normal(200, 500, dtype=dtype)
    y, mask = jitrt.call("Dropout", x, np.float32(0.25), np.True_, outputs=2, **options)
    assert mask.dtype == np.bool_
    assert abs(mask.mean() - 0.75) < 0.01
    wanted = np.where(mask, x.astype(np.float64) / 0.75, 0)
    np.testing.assert_allclose(y.astype(np.float64), wanted, rtol=1e-2 if x.itemsize == 2 else 1e-6)


def test_dropout_of_nothing():
    x = normal(4, 5)
    for inputs in ([x, np.float32(0), np.True_], [x, np.float32(0.5), np.False_], [x, np.float32(0.5)], [x]):
        y, mask = jitrt.call("Dropout", *inputs, seed=0, outputs=2)
        np.testing.assert_array_equal(y, x)
        assert mask.all()


@pytest.mark.parametrize(
    ("version", "options", "kind"), [(7, {}, "f"), (10, {}, "b"), (6, {"is_test": 1}, "f")]
)
def test_dropout_for_inference(version, options, kind):
    x = normal(4, 5)
    y, mask = jitrt.call("Dropout", x, version=version, ratio=0.5, outputs=2, **options)
    np.testing.assert_array_equal(y, x)
    assert mask.all()
    assert mask.dtype.kind == kind


@pytest.mark.parametrize("version", [1, 6])
def test_dropout_trained_unless_tested(version):
    x = np.ones((100, 100), np.float32)
    y, mask = jitrt.call("Dropout", x, version=version, ratio=0.2, outputs=2)
    assert mask.dtype == np.float32
    assert abs(mask.mean() - 0.8) < 0.03
    np.testing.assert_allclose(y, mask / 0.8, rtol=1e-6)
