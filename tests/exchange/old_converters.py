"""Files as CNTK, Core ML's tools, MXNet, tf2onnx, keras2onnx and Paddle wrote them from 2017 to 2019."""

from __future__ import annotations

from typing import Any

import numpy as np
from old_file import Array, Old, file, node, old, weights
from old_numpy import batch_norm, conv, dense, pool, relu, softmax
from onnx import TensorProto


@old
def cntk() -> Old:
    """The MNIST of the model zoo: parameters of rank 3, auto_pad, shapes as weights, nodes in any order."""
    w = weights(
        4, Parameter5=(8, 1, 5, 5), Parameter6=(8, 1, 1), Parameter87=(4, 8, 3, 3), Parameter88=(4, 1, 1)
    )
    w |= weights(5, Parameter193=(4, 3, 3, 10), Parameter194=(1, 10))
    w["Pooling160_reshape0_shape"] = np.int64([1, 36])
    w["Parameter193_reshape1_shape"] = np.int64([36, 10])
    same: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [1, 1], "dilations": [1, 1], "group": 1}
    nodes = [
        node("Add", ["Times212", "Parameter194"], ["Plus214_Output_0"], "Plus214", doc_string=""),
        node("MatMul", ["Pooling160_reshape0", "Parameter193_reshape1"], ["Times212"], "Times212"),
        node(
            "Reshape",
            ["Parameter193", "Parameter193_reshape1_shape"],
            ["Parameter193_reshape1"],
            "Times212_reshape1",
        ),
        node(
            "Reshape",
            ["Pooling160", "Pooling160_reshape0_shape"],
            ["Pooling160_reshape0"],
            "Times212_reshape0",
        ),
        node(
            "Conv", ["Input3", "Parameter5"], ["Convolution28"], "Convolution28", kernel_shape=[5, 5], **same
        ),
        node("Add", ["Convolution28", "Parameter6"], ["Plus30"], "Plus30"),
        node("Relu", ["Plus30"], ["ReLU32"], "ReLU32"),
        node(
            "MaxPool",
            ["ReLU32"],
            ["Pooling66"],
            "Pooling66",
            kernel_shape=[2, 2],
            strides=[2, 2],
            auto_pad="NOTSET",
        ),
        node(
            "Conv",
            ["Pooling66", "Parameter87"],
            ["Convolution110"],
            "Convolution110",
            kernel_shape=[3, 3],
            **same,
        ),
        node("Add", ["Convolution110", "Parameter88"], ["Plus112"], "Plus112"),
        node("Relu", ["Plus112"], ["ReLU114"], "ReLU114"),
        node(
            "MaxPool",
            ["ReLU114"],
            ["Pooling160"],
            "Pooling160",
            kernel_shape=[2, 2],
            strides=[2, 2],
            pads=[0] * 4,
        ),
    ]

    def compute(x: Array) -> list[Array]:
        y = pool(relu(conv(x, w["Parameter5"], pad=2) + w["Parameter6"]), 2, 2, np.max)
        y = pool(relu(conv(y, w["Parameter87"], pad=1) + w["Parameter88"]), 2, 2, np.max)
        return [y.reshape(1, 36) @ w["Parameter193"].reshape(36, 10) + w["Parameter194"]]

    shape = (1, 1, 12, 12)
    model = file(nodes, {"Input3": shape}, {"Plus214_Output_0": (1, 10)}, w, opset=7, producer="CNTK")
    return Old(model, shape, compute)


@old
def core_ml() -> Old:
    """Tiny YOLO's way: ImageScaler and other operators on trial, `Crop`, batches without a size."""
    w = weights(6, w=(4, 3, 3, 3), b=(4,), slope=(4, 1, 1))
    nodes = [
        node("ImageScaler", ["image"], ["scaled"], "scaler", scale=0.5, bias=[0.1, -0.2, 0.3]),
        node(
            "Conv",
            ["scaled", "w", "b"],
            ["c"],
            "conv",
            kernel_shape=[3, 3],
            auto_pad="SAME_LOWER",
            strides=[2, 2],
        ),
        node("PRelu", ["c", "slope"], ["p"], "prelu"),
        node("Crop", ["p"], ["cropped"], "crop", border=[1, 0, 1, 1]),
        node("ParametricSoftplus", ["cropped"], ["s"], "softplus", alpha=0.5, beta=2.0),
        node("ScaledTanh", ["s"], ["t"], "tanh", alpha=1.7, beta=0.7),
        node("Affine", ["t"], ["a"], "affine", alpha=2.0, beta=0.3),
        node("ThresholdedRelu", ["a"], ["r"], "relu", alpha=0.2),
        node("MeanVarianceNormalization", ["r"], ["grid"], "mvn", across_channels=0, normalize_variance=1),
    ]

    def compute(x: Array) -> list[Array]:
        y = x / 2 + np.float32([0.1, -0.2, 0.3])[:, None, None]
        y = conv(np.pad(y, [(0, 0), (0, 0), (1, 0), (1, 0)]), w["w"], w["b"], 2)
        y = np.where(y < 0, y * w["slope"], y)[:, :, :-1, 1:-1]
        y = 2 * 1.7 * np.tanh(0.7 * 0.5 * np.log1p(np.exp(2 * y))) + 0.3
        y = np.where(y > 0.2, y, 0)
        return [(y - y.mean((0, 2, 3), keepdims=True)) / y.std((0, 2, 3), keepdims=True)]

    model = file(nodes, {"image": ("None", 3, 10, 12)}, {"grid": None}, w, opset=7, producer="OnnxMLTools")
    return Old(model, (2, 3, 10, 12), compute)


@old
def mxnet() -> Old:
    """A residual block: nodes named as their outputs, Flatten before Gemm, scalars as weights, opset 8."""
    w = weights(7, w0=(4, 4, 3, 3), gamma=(4,), beta=(4,), mean=(4,), fc_weight=(3, 4), fc_bias=(3,))
    w |= {
        "var": np.float32([1, 2, 0.5, 1]),
        "half0": np.float32([0.5]),
        "prelu": np.full(4, 0.25, np.float32),
    }
    w["reshape_shape"] = np.int64([0, -3 + 2, 1, 1])
    bn: dict[str, Any] = {"epsilon": 2e-5, "momentum": 0.9}
    nodes = [
        node("BatchNormalization", ["data", "gamma", "beta", "mean", "var"], ["bn0"], "bn0", **bn),
        node("Unsqueeze", ["prelu"], ["slope0"], "slope0", axes=[1, 2]),
        node("PRelu", ["bn0", "slope0"], ["relu0"], "relu0"),
        node(
            "Conv",
            ["relu0", "w0"],
            ["conv0"],
            "conv0",
            kernel_shape=[3, 3],
            pads=[1] * 4,
            strides=[1, 1],
            group=1,
        ),
        node("Add", ["conv0", "data"], ["_plus0"], "_plus0"),
        node("Mul", ["_plus0", "half0"], ["_mulscalar0"], "_mulscalar0"),
        node("LpNormalization", ["_mulscalar0"], ["l2"], "l2", axis=1, p=2),
        node("GlobalAveragePool", ["l2"], ["pool1"], "pool1"),
        node("Reshape", ["pool1", "reshape_shape"], ["reshape0"], "reshape0"),
        node("Flatten", ["reshape0"], ["flatten0"], "flatten0"),
        node(
            "Gemm",
            ["flatten0", "fc_weight", "fc_bias"],
            ["fc"],
            "fc",
            alpha=1.0,
            beta=1.0,
            transA=0,
            transB=1,
        ),
        node("Softmax", ["fc"], ["softmax"], "softmax", axis=1),
    ]

    def compute(x: Array) -> list[Array]:
        y = batch_norm(x, w["gamma"], w["beta"], w["mean"], w["var"], 2e-5)
        y = (conv(np.where(y < 0, 0.25 * y, y), w["w0"], pad=1) + x) * 0.5
        y = (y / np.sqrt((y * y).sum(1, keepdims=True))).mean((2, 3))
        return [softmax(dense(y, w["fc_weight"], w["fc_bias"]))]

    shape = (2, 4, 6, 6)
    model = file(nodes, {"data": shape}, {"softmax": (2, 3)}, w, opset=8, producer="mxnet")
    return Old(model, shape, compute)


@old
def tf2onnx() -> Old:
    """NHWC: each convolution between two transposes, names with colons, shapes of unknown sizes, opset 8."""
    w = weights(8, **{"conv/w:0": (4, 3, 3, 3), "conv/b:0": (4,), "dense/w:0": (4, 5)})
    w["shape__5:0"] = np.int64([-1, 4])
    nodes = [
        node("Identity", ["input:0"], ["in:0"], "in"),
        node("Transpose", ["in:0"], ["nchw:0"], "conv__3", perm=[0, 3, 1, 2]),
        node("Conv", ["nchw:0", "conv/w:0"], ["conv:0"], "conv", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Transpose", ["conv:0"], ["nhwc:0"], "conv__4", perm=[0, 2, 3, 1]),
        node("Add", ["nhwc:0", "conv/b:0"], ["biased:0"], "BiasAdd"),
        node("Relu", ["biased:0"], ["relu:0"], "Relu"),
        node("ReduceMean", ["relu:0"], ["mean:0"], "Mean", axes=[1, 2], keepdims=0),
        node("Reshape", ["mean:0", "shape__5:0"], ["rows:0"], "Reshape"),
        node("MatMul", ["rows:0", "dense/w:0"], ["logits:0"], "MatMul"),
        node("ArgMax", ["logits:0"], ["class:0"], "ArgMax", axis=1, keepdims=0),
        node("Cast", ["class:0"], ["class_float:0"], "Cast", to=TensorProto.FLOAT),
    ]

    def compute(x: Array) -> list[Array]:
        y = np.pad(x.transpose(0, 3, 1, 2), [(0, 0), (0, 0), (0, 1), (0, 1)])
        y = relu(conv(y, w["conv/w:0"], w["conv/b:0"], 2)).mean((2, 3)) @ w["dense/w:0"]
        return [y, y.argmax(1)]

    model = file(
        nodes,
        {"input:0": ("unk__1", 8, 8, 3)},
        {"logits:0": ("unk__2", 5), "class_float:0": None},
        w,
        opset=8,
        producer="tf2onnx",
    )
    return Old(model, (3, 8, 8, 3), compute)


@old
def keras2onnx() -> Old:
    """An LSTM over [batch, time, features] with weights folded, states squeezed by attribute, opset 9."""
    w = weights(9, W=(1, 20, 4), R=(1, 20, 5), B=(1, 40))
    nodes = [
        node("Transpose", ["lstm_input"], ["X"], "transpose", perm=[1, 0, 2]),
        node(
            "LSTM",
            ["X", "W", "R", "B", "", "", ""],
            ["lstm_Y", "lstm_h", ""],
            "lstm",
            activations=["Sigmoid", "Tanh", "Tanh"],
            direction="forward",
            hidden_size=5,
        ),
        node("Squeeze", ["lstm_h"], ["lstm"], "", axes=[0]),
        node("ReduceSum", ["lstm_Y"], ["total"], "", axes=[0, 1], keepdims=0),
    ]

    def compute(x: Array) -> list[Array]:
        h, c, total = np.zeros((len(x), 5)), np.zeros((len(x), 5)), np.zeros((len(x), 5))
        for step in x.transpose(1, 0, 2):
            gates = step @ w["W"][0].T + h @ w["R"][0].T + w["B"][0, :20] + w["B"][0, 20:]
            i, o, f, g = np.split(gates, 4, axis=1)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            total += h
        return [h, total]

    inputs = {"lstm_input": ("N", 7, 4)}
    model = file(nodes, inputs, {"lstm": ("N", 5), "total": None}, w, opset=9, producer="keras2onnx")
    return Old(model, (3, 7, 4), compute)


@old
def paddle() -> Old:
    """`Scale` as Mul and Add of constants, names with @ and .tmp_, Resize of opset 10, HardSigmoid."""
    w = weights(10, **{"conv.w_0": (4, 3, 1, 1), "fc.w_0": (4 * 8 * 12, 3), "fc.b_0": (3,)})
    w |= {"scale@0": np.float32([2]), "bias@0": np.float32([-0.5]), "scales": np.float32([1, 1, 2, 2])}
    nodes = [
        node("Mul", ["image", "scale@0"], ["scale_0.tmp_0@mul"], "Mul_0"),
        node("Add", ["scale_0.tmp_0@mul", "bias@0"], ["scale_0.tmp_0"], "Add_0"),
        node("Conv", ["scale_0.tmp_0", "conv.w_0"], ["conv2d_0.tmp_0"], "Conv_0", kernel_shape=[1, 1]),
        node("HardSigmoid", ["conv2d_0.tmp_0"], ["hs.tmp_0"], "Hs_0", alpha=0.2, beta=0.5),
        node("Mul", ["conv2d_0.tmp_0", "hs.tmp_0"], ["swish.tmp_0"], ""),
        node("Resize", ["swish.tmp_0", "scales"], ["interp.tmp_0"], "", mode="nearest"),
        node("Flatten", ["interp.tmp_0"], ["flat.tmp_0"], "", axis=1),
        node("MatMul", ["flat.tmp_0", "fc.w_0"], ["fc.tmp_0"], ""),
        node("Add", ["fc.tmp_0", "fc.b_0"], ["fc.tmp_1"], ""),
        node("Softmax", ["fc.tmp_1"], ["save_infer_model/scale_0.tmp_0"], "", axis=1),
    ]

    def compute(x: Array) -> list[Array]:
        y = conv(x * 2 - 0.5, w["conv.w_0"])
        y = (y * np.clip(0.2 * y + 0.5, 0, 1)).repeat(2, 2).repeat(2, 3)
        return [softmax(y.reshape(len(x), -1) @ w["fc.w_0"] + w["fc.b_0"])]

    outputs = {"save_infer_model/scale_0.tmp_0": (-1, 3)}
    model = file(nodes, {"image": (-1, 3, 4, 6)}, outputs, w, opset=10, producer="PaddlePaddle")
    return Old(model, (2, 3, 4, 6), compute)
