"""Networks over audio at 16 kHz: in the time domain, and over a spectrogram."""

from __future__ import annotations

import numpy as np

from bench.models.graph import Built, GraphBuilder, builder, normal
from bench.models.images import classifier, conv_relu


@builder
def causal_audio() -> Built:
    """Dilated causal convolutions with gates, half a second at a time. https://arxiv.org/abs/1609.03499"""
    channels = 48
    graph = GraphBuilder("causal-audio")

    def causal(x: str, inner: int, outer: int, size: int, dilation: int = 1) -> str:
        weight = graph.weight(outer, inner, size, fan_in=inner * size)
        past = [dilation * (size - 1), 0]
        return graph.op("Conv", x, weight, graph.weight(outer), pads=past, dilations=[dilation])

    x = causal(graph.input("x", ["batch", 1, "samples"]), 1, channels, 4)
    skips = []
    for dilation in (1, 2, 4, 8, 16, 32, 64, 128):
        gates = causal(x, channels, 2 * channels, 2, dilation)
        gates = graph.op("Split", gates, axis=1, num_outputs=2, outputs=2)
        gated = graph.op("Mul", graph.op("Tanh", gates), graph.op("Sigmoid", f"{gates}_1"))
        skips.append(causal(gated, channels, channels, 1))
        x = graph.op("Add", x, skips[-1])
    y = causal(graph.op("Relu", graph.op("Sum", *skips)), channels, 1, 1)
    graph.output(y, ["batch", 1, "samples"])
    shapes = ((1, 8000), (2, 6000), (1, 1000))
    return Built(graph.model(), [{"x": normal(1, n, 1, samples)} for n, samples in shapes])


@builder
def spectrogram() -> Built:
    """STFT with frames of 400 samples, logarithms of 80 bands' energies, 2-D convolutions."""
    frame, bands = 400, 80
    graph = GraphBuilder("spectrogram")
    signal = graph.op("Unsqueeze", graph.input("x", ["batch", "samples"]), graph.constant([2]))
    window = graph.constant(np.hanning(frame), np.float32)
    frames = graph.op("STFT", signal, graph.constant(160), window, graph.constant(frame))
    power = graph.op("ReduceSumSquare", frames, graph.constant([3]), keepdims=0)
    positions = np.abs(np.arange(frame // 2 + 1)[:, None] / 2.5 - np.arange(bands))
    energies = graph.op("MatMul", power, graph.constant(np.maximum(0, 1 - positions), np.float32))
    x = graph.op("Log", graph.op("Add", energies, graph.constant(1e-3, np.float32)))
    x, channels = graph.op("Unsqueeze", x, graph.constant([1])), 1
    for outer in (32, 64, 128):
        x, channels = conv_relu(graph, x, channels, outer, 3, strides=[2, 2]), outer
        x = conv_relu(graph, x, channels, channels, 3)
    classifier(graph, x, channels)
    shapes = ((1, 80000), (2, 48000), (1, 16000))
    return Built(graph.model(), [{"x": normal(1, n, samples)} for n, samples in shapes])
