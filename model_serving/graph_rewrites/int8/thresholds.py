"""Normalisations of levels, with their ReLU, as a threshold for each channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tensorflow.core.framework import node_def_pb2

from model_serving.graph_rewrites.int8.levels import FLOAT32, are_levels, is_pointwise
from model_serving.graph_rewrites.int8.ranges import LEVELS
from model_serving.graph_rewrites.network import Network


@dataclass(frozen=True)
class Normalized:
    """Levels as a normalisation with a ReLU reads them, and the 1x1 convolution with bias that reads these."""

    levels: str
    scale: np.ndarray
    offset: np.ndarray
    rectifier: node_def_pb2.NodeDef
    convolution: node_def_pb2.NodeDef
    bias_add: node_def_pb2.NodeDef


def use_thresholds(network: Network) -> None:
    """conv(relu(s · q + b), k) ≈ conv(max(q, t), s · k) + k · (v - s · t), by channel with s > 0; min(q, t) for s < 0.

    t = round(-b/s), cut to 0 and 255, is the level where the ReLU begins, and v what it lets through there: s · t + b
    if all levels pass, nothing if none does, else half of what rounding t makes of 0, since half of the values lie
    above. To compare bytes takes a fraction of the time of scaling them, and they are not rounded once more. A pool of
    means may lie between ReLU and convolution.
    """
    for found in list(_normalized(network)):
        name, scale = found.rectifier.name, found.scale.astype(np.float64)
        start = -found.offset / np.where(scale == 0, 1, scale)
        threshold = np.where(scale == 0, 0, np.clip(np.round(start), 0, LEVELS))
        value = scale * threshold + found.offset
        value = np.where((threshold > 0) & (threshold < LEVELS), value / 2, np.maximum(value, 0))
        levels = found.levels
        for op, ends, unused in (
            ("Maximum", np.where(scale > 0, threshold, 0), 0),
            ("Minimum", np.where(scale < 0, threshold, LEVELS), LEVELS),
        ):
            if (ends != unused).any():
                limit = network.add_constant(f"{name}/{op}/limit", ends.astype(np.float32))
                levels = network.put(f"{name}/{op}", op, [levels, limit], FLOAT32)
        network.redirect(name, levels)
        kernel, bias = network.value(found.convolution, 1), network.value(found.bias_add, 1)
        scaled = (kernel * scale.reshape(1, 1, -1, 1)).astype(np.float32)
        moved = bias + (value - scale * threshold) @ kernel[0, 0]
        found.convolution.input[1] = network.add_constant(f"{found.convolution.name}/of_levels", scaled)
        found.bias_add.input[1] = network.add_constant(f"{found.bias_add.name}/of_levels", moved.astype(np.float32))


def _normalized(network: Network) -> Iterator[Normalized]:
    for rectifier in network.of_type("Relu"):
        bias_add = network.producer(rectifier, 0)
        normalization = network.producer(bias_add, 0) if bias_add.op == "BiasAdd" else bias_add
        if normalization.op != "DepthwiseConv2dNative" or not are_levels(network, normalization.input[0]):
            continue
        convolution = network.only_reader(rectifier)
        if convolution is not None and convolution.op == "AvgPool":
            convolution = network.only_reader(convolution)
        if convolution is None or convolution.op != "Conv2D" or not is_pointwise(network, convolution):
            continue
        scale, offset, reader = (
            network.constant(normalization, 1),
            network.constant(bias_add, 1),
            network.readers(convolution)[0],
        )
        if scale is None or offset is None:
            continue
        if scale.shape[:2] == (1, 1) and network.is_used_once(bias_add):
            yield Normalized(normalization.input[0], scale.reshape(-1), offset, rectifier, convolution, reader)
