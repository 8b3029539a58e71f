"""Files as Caffe2 and PyTorch wrote them from 2017 to 2019, with NumPy for what they compute.

Each function gives a file and its reference. Their habits: weights among the inputs, as IR 3 demands; empty
or numeric names; shapes and broadcasting by attributes; nodes in any order; outputs that nobody reads; no
shapes, or no opset at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from old_file import Array, Old, file, node, old, weights
from old_numpy import batch_norm, conv, dense, lrn, pool, relu, softmax
from onnx import NodeProto, numpy_helper


@old
def caffe2() -> Old:
    """SqueezeNet's way: no names of nodes, Gemm with broadcast, Reshape by attribute, opset 3."""
    w = weights(
        0, conv1_w=(6, 3, 3, 3), conv1_b=(6,), fire_w=(4, 6, 1, 1), fire_b=(4,), fc_w=(5, 2 * 4 * 3 * 3)
    )
    w |= weights(1, fc_b=(5,), scale=(4,), shift=(4,), mean=(4,)) | {"var": np.float32([0.5, 1, 2, 3])}
    nodes = [
        node(
            "Conv",
            ["data", "conv1_w", "conv1_b"],
            ["c1"],
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        ),
        node("Relu", ["c1"], ["c1r"]),
        node("LRN", ["c1r"], ["n1"], size=3, alpha=0.01, beta=0.75, bias=1.0),
        node("MaxPool", ["n1"], ["p1"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0]),
        node("Conv", ["p1", "fire_w"], ["f1"], kernel_shape=[1, 1], strides=[1, 1]),
        node("Add", ["f1", "fire_b"], ["f1b"], broadcast=1, axis=1),
        node(
            "BatchNormalization",
            ["f1b", "scale", "shift", "mean", "var"],
            ["f2"],
            epsilon=1e-5,
            is_test=1,
            spatial=1,
            consumed_inputs=[0, 0, 0, 1, 1],
        ),
        node("Mul", ["f2", "f2"], ["f2_squared"]),
        node("Concat", ["f2", "f2_squared"], ["both"]),
        node("Dropout", ["both"], ["kept", "_kept_mask"], ratio=0.5, is_test=1),
        node("Reshape", ["kept"], ["rows"], shape=[0, -1]),
        node("Gemm", ["rows", "fc_w", "fc_b"], ["scores"], transB=1, broadcast=1),
        node("Softmax", ["scores"], ["prob"], axis=1),
    ]

    def compute(x: Array) -> list[Array]:
        y = pool(lrn(relu(conv(x, w["conv1_w"], w["conv1_b"], 2, 1)), 3, 0.01, 0.75, 1), 3, 2, np.max)
        y = conv(y, w["fire_w"], w["fire_b"])
        y = batch_norm(y, w["scale"], w["shift"], w["mean"], w["var"], 1e-5)
        y = np.concatenate([y, y * y], axis=1).reshape(len(y), -1)
        return [softmax(dense(y, w["fc_w"], w["fc_b"]))]

    shape = (2, 3, 15, 15)
    model = file(nodes, {"data": shape}, {"prob": (2, 5)}, w, opset=3, producer="onnx-caffe2")
    return Old(model, shape, compute)


@old
def caffe2_without_opset() -> Old:
    """IR 1, which had no opsets: version 1 of everything, Cast to a type by name, Pad with `paddings`."""
    w = weights(0, w=(4, 3), b=(4,))
    nodes = [
        node("Pad", ["x"], ["padded"], paddings=[0, 1, 0, 0], mode="constant", value=1.5),
        node("Gemm", ["padded", "w", "b"], ["y"], transB=1, broadcast=1),
        node("Max", ["y", "y"], ["m"], consumed_inputs=[0, 0]),
        node("Clip", ["m"], ["c"], min=-0.25, max=0.5, consumed_inputs=[0]),
        node("Cast", ["c"], ["half"], to="FLOAT16"),
        node("Cast", ["half"], ["z"], to="FLOAT"),
    ]

    def compute(x: Array) -> list[Array]:
        padded = np.pad(x, [(0, 0), (1, 0)], constant_values=1.5)
        return [np.clip(dense(padded, w["w"], w["b"]), -0.25, 0.5).astype(np.float16)]

    model = file(nodes, {"x": (6, 2)}, {"z": (6, 4)}, w, opset=None, ir=1, producer="caffe2")
    return Old(model, (6, 2), compute)


@old
def pytorch_0_3() -> Old:
    """Numbers as names, MatMul and Add with broadcast, masks that nobody reads, opset 6."""
    w = weights(
        2, **{"1": (8, 3, 3, 3), "2": (8,), "3": (8,), "4": (8,), "5": (8,), "7": (10, 128), "8": (10,)}
    )
    w["6"] = np.float32([0.5, 1, 2, 3, 1, 1, 4, 0.25])
    nodes = [
        node(
            "Conv",
            ["0", "1", "2"],
            ["9"],
            dilations=[1, 1],
            group=1,
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            strides=[1, 1],
        ),
        node(
            "BatchNormalization",
            ["9", "3", "4", "5", "6"],
            ["10"],
            epsilon=1e-5,
            is_test=1,
            momentum=0.9,
        ),
        node("LeakyRelu", ["10"], ["13"], alpha=0.1),
        node("AveragePool", ["13"], ["14"], kernel_shape=[2, 2], pads=[0, 0, 0, 0], strides=[2, 2]),
        node("Flatten", ["14"], ["15"], axis=1),
        node("Transpose", ["7"], ["16"], perm=[1, 0]),
        node("MatMul", ["15", "16"], ["17"]),
        node("Add", ["17", "8"], ["18"], broadcast=1),
        node("Dropout", ["18"], ["19", "20"], is_test=1, ratio=0.5),
        node("Slice", ["19"], ["21"], axes=[1], starts=[2], ends=[9223372036854775807]),
        node("LogSoftmax", ["21"], ["22"], axis=1),
    ]

    def compute(x: Array) -> list[Array]:
        y = batch_norm(conv(x, w["1"], w["2"], 1, 1), w["3"], w["4"], w["5"], w["6"], 1e-5)
        y = pool(np.where(y < 0, 0.1 * y, y), 2, 2, np.mean).reshape(len(y), -1)
        return [np.log(softmax(dense(y, w["7"], w["8"])[:, 2:]))]

    shape = (3, 3, 8, 8)
    model = file(nodes, {"0": shape}, {"22": (3, 8)}, w, opset=6, producer="pytorch")
    return Old(model, shape, compute)


@old
def pytorch_1_0() -> Old:
    """Shapes computed by Shape, Gather, Unsqueeze and Concat, Upsample with constants, opset 9, IR 3."""
    w = weights(3, w=(4, 3, 3, 3))

    def number(name: str, value: Any) -> NodeProto:
        return node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))

    nodes = [
        node("Pad", ["x"], ["1"], mode="reflect", pads=[0, 0, 1, 1, 0, 0, 1, 1]),
        node(
            "Conv",
            ["1", "w"],
            ["2"],
            dilations=[1, 1],
            group=1,
            kernel_shape=[3, 3],
            pads=[0] * 4,
            strides=[1, 1],
        ),
        number("scales", np.float32([1, 1, 2, 2])),
        node("Upsample", ["2", "scales"], ["3"], mode="nearest"),
        node("Shape", ["3"], ["4"]),
        number("5", np.int64(0)),
        node("Gather", ["4", "5"], ["6"], axis=0),
        number("7", np.int64(-1)),
        node("Unsqueeze", ["6"], ["8"], axes=[0]),
        node("Unsqueeze", ["7"], ["9"], axes=[0]),
        node("Concat", ["8", "9"], ["10"], axis=0),
        node("Reshape", ["3", "10"], ["11"]),
        node("ReduceMax", ["11"], ["12"], axes=[1], keepdims=1),
        node("Sub", ["11", "12"], ["13"]),
        node("TopK", ["13"], ["values", "14"], axis=-1, k=3),
    ]

    def compute(x: Array) -> list[Array]:
        padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="reflect")
        y = conv(padded, w["w"]).repeat(2, 2).repeat(2, 3).reshape(len(x), -1)
        return [-np.sort(-(y - y.max(1, keepdims=True)), axis=1)[:, :3]]

    shape = (2, 3, 5, 6)
    model = file(nodes, {"x": shape}, {"values": (2, 3)}, w, opset=9, producer="pytorch")
    return Old(model, shape, compute)


@old
def on_trial() -> Old:
    """PyTorch's first recurrent networks: states of zeros by ConstantFill, constants by GivenTensorFill."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("ConstantFill", ["shape"], ["ones"], value=1.0, input_as_shape=1, dtype=1, extra_shape=[1]),
        node("Squeeze", ["ones"], ["flat"], axes=[2]),
        node("GivenTensorFill", [], ["row"], shape=[3], values=[1.0, 2.0, 3.0]),
        node("Scale", ["x"], ["doubled"], scale=2.0),
        node("Add", ["doubled", "flat"], ["sum"]),
        node("Mul", ["sum", "row"], ["y"], broadcast=1, axis=1),
    ]
    model = file(nodes, {"x": (4, 3)}, {"y": (4, 3)}, {}, opset=5, producer="pytorch")
    return Old(model, (4, 3), lambda x: [(2 * x + 1) * [1, 2, 3]])
