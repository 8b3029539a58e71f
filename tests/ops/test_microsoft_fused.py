"""Fused operators of com.microsoft against their parts in float64, and against onnxruntime."""

from math import erf

import numpy as np
import pytest
from fused_peer import outputs_of_peer
from oracle import BF16, FLOATS, Case, normal, table

import jitrt

MICROSOFT = {"domain": "com.microsoft", "version": 1}


def gelu(x, bias=0):
    x = x + bias
    return 0.5 * x * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def fast_gelu(x, bias=0):
    x = x + bias
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def quick_gelu(x, alpha=1.7020000219345093):
    return x / (1 + np.exp(-alpha * x))


def layer_norm(x, gamma, beta=0, epsilon=1e-12):
    center, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    inverse = 1 / np.sqrt(spread + epsilon)
    return (x - center) * inverse * gamma + beta, center, inverse


def skip_layer_norm(x, skip, gamma, beta=None, bias=None, epsilon=1e-12):
    total = x + skip + (0 if bias is None else bias)
    return *layer_norm(total, gamma, 0 if beta is None else beta, epsilon), total


def rms_norm(x, scale, axis=-1, epsilon=1e-5):
    axes = tuple(range(axis % x.ndim, x.ndim))
    inverse = 1 / np.sqrt((x * x).mean(axes, keepdims=True) + epsilon)
    return x * inverse * scale, inverse


def skip_rms_norm(x, skip, gamma, bias=None, epsilon=1e-12):
    total = x + skip + (0 if bias is None else bias)
    output, inverse = rms_norm(total, gamma, -1, epsilon)
    return output, np.zeros_like(inverse), inverse, total


def embed(ids, segments, words, positions, segment_table, gamma, beta, mask=None, position_ids=None):
    places = np.arange(ids.shape[1])[None] if position_ids is None else position_ids
    total = words[ids] + positions[places] + (0 if segments is None else segment_table[segments])
    count = np.zeros(len(ids)) if mask is None else (mask == 1).sum(1)
    return layer_norm(total, gamma, beta)[0], count, total


def as_matrix(x, transposed, rows_first):
    if x.ndim < 2:
        return x
    x = np.moveaxis(x, 0, -2) if rows_first else x
    return x.swapaxes(-1, -2) if transposed else x


def fused_matmul(a, b, alpha=1.0, transA=0, transB=0, transBatchA=0, transBatchB=0):
    return alpha * (as_matrix(a, transA, transBatchA) @ as_matrix(b, transB, transBatchB))


ACTIVATIONS = {
    "Relu": lambda x: np.maximum(x, 0),
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "LeakyRelu": lambda x, a: np.where(x < 0, a * x, x),
    "Clip": np.clip,
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "": lambda x: x,
}


def fused_gemm(a, b, c=0, activation="", activation_alpha=None, alpha=1.0, beta=1.0, transA=0, transB=0):
    y = alpha * (a.T if transA else a) @ (b.T if transB else b) + beta * c
    return ACTIVATIONS[activation](y, *([] if activation_alpha is None else [activation_alpha]))


def pointwise_conv(x, w, b=0, z=0, activation="", activation_params=()):
    y = np.einsum("nchw,oc->nohw", x, w[:, :, 0, 0]) + np.reshape(b, (-1, 1, 1)) + z
    return ACTIVATIONS[activation](y, *activation_params)


def case(op, inputs, attributes=None, expected=None, **options):
    return Case(op, inputs, attributes or {}, expected, **MICROSOFT, **options)


GELUS = [
    case(op, [normal(3, 4, dtype=t), *([normal(4, dtype=t, seed=1)] if biased else [])], {}, expected)
    for op, expected, biased in (
        ("Gelu", gelu, False),
        ("BiasGelu", gelu, True),
        ("FastGelu", fast_gelu, False),
        ("FastGelu", fast_gelu, True),
        ("QuickGelu", quick_gelu, False),
    )
    for t in FLOATS
] + [case("QuickGelu", [normal(3, 4)], {"alpha": 0.5}, quick_gelu)]
ROW = [normal(16, seed=i + 2) for i in range(3)]
NORMS = [
    case("SkipLayerNormalization", inputs, options, skip_layer_norm, outputs=4, tolerance=8)
    for inputs, options in (
        ([normal(2, 5, 16), normal(2, 5, 16, seed=1), *ROW], {}),
        ([normal(2, 5, 16), normal(5, 16, seed=1), ROW[0], None, ROW[1]], {"epsilon": 0.125}),
        ([normal(2, 5, 16), normal(1, 5, 16, seed=1), *ROW[:2]], {}),
        ([normal(5, 16), normal(5, 16, seed=1), ROW[0]], {}),
    )
]
NORMS += [
    case("SkipSimplifiedLayerNormalization", inputs, {}, skip_rms_norm, outputs=4, tolerance=8)
    for inputs in (
        [normal(2, 5, 16), normal(2, 5, 16, seed=1), *ROW[:2]],
        [normal(5, 16), normal(5, 16, seed=1), ROW[0]],
    )
]
NORMS += [
    case(op, [x.astype(t) for x in inputs], {}, lambda *a, f=f: f(*a)[0], tolerance=8)
    for op, f in (
        ("SkipLayerNormalization", skip_layer_norm),
        ("SkipSimplifiedLayerNormalization", skip_rms_norm),
    )
    for t in (np.float16, BF16)
    for inputs in ([normal(2, 5, 16), normal(2, 5, 16, seed=1), *ROW[:2]],)
]
SIMPLIFIED = [
    Case(
        "SimplifiedLayerNormalization",
        [normal(2, 5, 16, dtype=t), normal(16, dtype=scale, seed=1)],
        {},
        rms_norm,
        domain=domain,
        version=1,
        outputs=2,
        tolerance=8,
    )
    for domain in ("", "com.microsoft")
    for t, scale in ((np.float32, np.float32), (np.float64, np.float64), (np.float16, np.float32))
] + [
    Case(
        "SimplifiedLayerNormalization",
        [normal(2, 5, 6), normal(5, 6)],
        {"axis": 1, "epsilon": 0.125},
        lambda *a, **o: rms_norm(*a, **o),
        version=1,
        outputs=2,
        tolerance=8,
    )
]
IDS = np.array([[0, 1, 2], [4, 2, 3]], np.int32)
TABLES = [normal(5, 8), normal(4, 8, seed=1), normal(2, 8, seed=2), normal(8, seed=3), normal(8, seed=4)]
EMBEDDINGS = [
    case("EmbedLayerNormalization", inputs, {}, embed, outputs=3, tolerance=8)
    for inputs in (
        [IDS, IDS % 2, *TABLES],
        [IDS, IDS % 2, *TABLES, IDS // 2],
        [IDS, None, *TABLES[:2], None, *TABLES[3:], None, IDS[:1]],
        [IDS, None, *TABLES[:2], None, *TABLES[3:], None, np.array([[3, 0, 1], [1, 1, 1]], np.int32)],
        [IDS, IDS % 2, *(t.astype(np.float16) for t in TABLES)],
    )
]
PRODUCTS = [
    case("FusedMatMul", [normal(*a), normal(*b, seed=1)], options, fused_matmul, tolerance=4)
    for a, b, options in (
        ((3, 4), (4, 5), {"alpha": 2.5}),
        ((2, 4, 3), (2, 4, 5), {"transA": 1}),
        ((2, 3, 4), (2, 5, 4), {"transB": 1, "alpha": 0.5}),
        ((3, 2, 6, 4), (2, 6, 4, 5), {"transBatchA": 1}),
        ((4, 2, 6, 3), (5, 2, 6, 4), {"transBatchA": 1, "transA": 1, "transBatchB": 1, "transB": 1}),
        ((2, 6, 3, 4), (4, 2, 6, 5), {"transBatchB": 1}),
        ((4,), (4, 5), {"transA": 1}),
    )
]
PRODUCTS += [
    case("FusedMatMul", [normal(3, 4, dtype=t), normal(4, 5, dtype=t)], {}, fused_matmul, tolerance=4)
    for t in (np.float64, np.float16, BF16)
]
PRODUCTS += [case("TransposeMatMul", [normal(4, 3), normal(5, 4)], {"transA": 1, "transB": 1}, fused_matmul)]
PRODUCTS += [
    case("FusedGemm", [normal(3, 4), normal(4, 5), normal(5)], options, fused_gemm, tolerance=4)
    for options in (
        {},
        {"activation": "Relu", "alpha": 0.5, "beta": 2.0},
        {"activation": "LeakyRelu", "activation_alpha": 0.25},
    )
]
CONVOLUTIONS = [
    case(
        "FusedConv",
        [normal(2, 3, 5, 5), normal(4, 3, 1, 1, seed=1), *([normal(4), normal(2, 4, 5, 5)] if added else [])],
        {"activation": name} | ({"activation_params": parameters} if parameters else {}),
        pointwise_conv,
        tolerance=4,
    )
    for name, parameters in (
        ("Relu", []),
        ("Tanh", []),
        ("Sigmoid", []),
        ("LeakyRelu", [0.25]),
        ("Clip", [-0.5, 0.75]),
        ("HardSigmoid", [0.25, 0.5]),
    )
    for added in (False, True)
]


@table(GELUS, NORMS, SIMPLIFIED, EMBEDDINGS, PRODUCTS, CONVOLUTIONS)
def test_fused(case):
    case.check()


PEER = [
    c
    for c in (*GELUS, *NORMS, *SIMPLIFIED, *EMBEDDINGS, *PRODUCTS, *CONVOLUTIONS)
    if all(x is None or x.dtype in (np.float32, np.int32) for x in c.inputs)
    and (c.op != "SimplifiedLayerNormalization" or not c.domain)
    and (c.op != "FusedGemm" or c.attributes)
]


@table(PEER)
def test_fused_as_onnxruntime(case):
    wanted = outputs_of_peer(
        case.op, case.inputs, domain=case.domain, outputs=case.outputs, **case.attributes
    )
    got = jitrt.call(
        case.op, *case.inputs, **MICROSOFT | {"domain": case.domain}, outputs=case.outputs, **case.attributes
    )
    for mine, theirs in zip([got] if case.outputs == 1 else got, wanted, strict=True):
        # onnxruntime leaves the statistics of some normalisations unwritten
        if case.outputs < 4 or mine.shape[-1] > 1:
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", [0, 1, 8])
def test_ids_out_of_range(place):
    inputs = [IDS, IDS % 2, *TABLES, None, IDS % 4]
    inputs[place] = np.full((2, 3), 7, np.int32)
    with pytest.raises(jitrt.errors.InvalidArgument, match="indices element out of data bounds, idx=7"):
        jitrt.call("EmbedLayerNormalization", *inputs, **MICROSOFT)


def test_bad_activations():
    x, w = normal(1, 2, 3, 3), normal(2, 2, 1, 1)
    with pytest.raises(jitrt.errors.Fail, match=r"activation is one of Relu, .* got 'Cube'"):
        jitrt.call("FusedConv", x, w, **MICROSOFT, activation="Cube")
    with pytest.raises(jitrt.errors.Fail, match="LeakyRelu takes 1 parameters, got 2"):
        jitrt.call("FusedConv", x, w, **MICROSOFT, activation="LeakyRelu", activation_params=[0.5, 0.5])
    with pytest.raises(jitrt.errors.Fail, match="skip must have the last two sizes of input"):
        jitrt.call("SkipLayerNormalization", normal(2, 3, 4), normal(2, 1, 4), normal(4), **MICROSOFT)
