"""Mixture of experts against a loop over tokens in float64, and against onnxruntime."""

import numpy as np
import pytest
from fused_peer import outputs_of_peer
from oracle import BF16, Case, normal, table

import jitrt

HIDDEN, INNER, EXPERTS = 8, 6, 4


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "gelu": gelu,
    "geglu": gelu,
    "silu": lambda x: x * sigmoid(x),
    "identity": lambda x: x,
}


def sparse_mixer(scores):
    """The two best experts with their weights, by the definition in https://arxiv.org/abs/2310.00811."""
    result, left = [], scores.copy()
    for _ in range(2):
        best = int(left.argmax())
        far = (left[best] - scores) / np.maximum(np.abs(scores), left[best]) > 0.02
        result.append((softmax(np.where(far, -np.inf, left))[best], best))
        left[best] = -np.inf
    return result


def moe(
    x,
    router,
    w1,
    b1=None,
    w2=None,
    b2=None,
    w3=None,
    b3=None,
    activation_alpha=1.0,
    activation_beta=0.0,
    activation_type="relu",
    k=1,
    normalize_routing_weights=0,
    swiglu_fusion=0,
    swiglu_limit=np.inf,
    swiglu_limit_after_activation=0,
    use_sparse_mixer=0,
):
    def linear(x, w, b, e):
        return w[e] @ x + (0 if b is None else b[e])

    def expert(x, e):
        up = linear(x, w1, b1, e)
        gate = None if w3 is None else linear(x, w3, b3, e)
        if swiglu_fusion:
            up, gate = (up[::2], up[1::2]) if swiglu_fusion == 1 else np.split(up, 2)
        if activation_type == "swiglu":
            g = up if swiglu_limit_after_activation else np.minimum(up, swiglu_limit)
            g = np.minimum(
                g * sigmoid(activation_alpha * g), swiglu_limit if swiglu_limit_after_activation else np.inf
            )
            inner = g * (np.clip(gate, -swiglu_limit, swiglu_limit) + activation_beta)
        else:
            inner = ACTIVATIONS[activation_type](up) * (1 if gate is None else gate)
        return linear(inner, w2, b2, e)

    rows = []
    for token, scores in zip(x.reshape(-1, x.shape[-1]), router, strict=True):
        probabilities = softmax(scores)
        chosen = [(probabilities[e], e) for e in np.argsort(-probabilities, kind="stable")[:k]]
        if use_sparse_mixer:
            chosen = sparse_mixer(scores)
        total = sum(p for p, _ in chosen) if normalize_routing_weights else 1
        rows.append(sum(p / total * expert(token, e) for p, e in chosen))
    return np.reshape(rows, x.shape)


def inputs(*lead, fused=1, third=False, biased=True, dtype=np.float32):
    shapes = [
        *((*lead, HIDDEN), (int(np.prod(lead)), EXPERTS)),
        *((EXPERTS, fused * INNER, HIDDEN), (EXPERTS, fused * INNER)),
        *((EXPERTS, HIDDEN, INNER), (EXPERTS, HIDDEN)),
        *(((EXPERTS, INNER, HIDDEN), (EXPERTS, INNER)) if third else ()),
    ]
    arrays = [normal(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    return [None if i in (3, 5, 7) and not biased else x for i, x in enumerate(arrays)]


SWIGLU = {"activation_type": "swiglu", "activation_alpha": 1.75, "activation_beta": 1.0}
LATE = {"swiglu_limit": 0.5, "swiglu_limit_after_activation": 1}
FORMS = [
    (inputs(2, 5), {"k": 2}),
    (inputs(40), {"k": 3, "normalize_routing_weights": 1}),
    (inputs(7, biased=False), {"k": 1, "activation_type": "silu"}),
    (inputs(1), {"k": 4, "activation_type": "gelu"}),
    (inputs(3), {"k": 2, "activation_type": "identity"}),
    (inputs(3), {"k": 2, "activation_type": "relu2"}),
    (inputs(9, third=True), {"k": 2, "activation_type": "silu"}),
    (inputs(9, third=True), {"k": 2, **SWIGLU}),
    (inputs(9, fused=2), {"k": 2, "swiglu_fusion": 1, **SWIGLU}),
    (inputs(9, fused=2), {"k": 2, "swiglu_fusion": 1, "swiglu_limit": 0.75, **SWIGLU}),
    (inputs(9, fused=2, biased=False), {"k": 2, "swiglu_fusion": 2, **SWIGLU}),
    (inputs(9, fused=2), {"k": 2, "swiglu_fusion": 2, **LATE, **SWIGLU}),
    (inputs(9, fused=2), {"k": 2, "swiglu_fusion": 1, "activation_type": "geglu"}),
    (inputs(30), {"k": 2, "use_sparse_mixer": 1}),
]
CASES = [
    Case("MoE", arrays, options, moe, domain="com.microsoft", version=1, tolerance=10)
    for arrays, options in FORMS
] + [
    Case("MoE", inputs(5, dtype=t), {"k": 2}, moe, domain="com.microsoft", version=1, tolerance=10)
    for t in (np.float16, BF16)
]
NOT_ON_ITS_CPU = {"relu2", "geglu"}


@table(CASES)
def test_moe(case):
    case.check()


@pytest.mark.parametrize(
    ("arrays", "options"),
    [
        (arrays, options)
        for arrays, options in FORMS
        if len(arrays) == 6
        and options.get("activation_type") not in NOT_ON_ITS_CPU
        and options.get("swiglu_fusion") != 2
        and "use_sparse_mixer" not in options
    ],
)
def test_moe_as_onnxruntime(arrays, options):
    (wanted,) = outputs_of_peer("MoE", arrays, **options)
    got = jitrt.call("MoE", *arrays, domain="com.microsoft", version=1, **options)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (inputs(3), {"activation_type": "cube"}, r"activation_type is swiglu or one of relu, .* got 'cube'"),
        (inputs(3), {"activation_type": "swiglu"}, "swiglu takes fc3_experts_weights with swiglu_fusion=0"),
        (inputs(3), {"use_sparse_mixer": 1}, "use_sparse_mixer needs k=2, got 1"),
        ([normal(4, HIDDEN), *inputs(3)[1:]], {}, r"router_probs must be \[tokens, experts\]"),
        ([normal(3, 5), *inputs(3)[1:]], {}, r"expected weights \[experts, out, "),
    ],
)
def test_bad_arguments(arrays, options, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call("MoE", *arrays, domain="com.microsoft", version=1, **options)
