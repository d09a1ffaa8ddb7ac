"""Measuring on photos what int8 must know: how large a network's tensors get, and how far rounding moves means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites import rewritten
from model_serving.graph_rewrites.int8.convolutions import layers, quantize_convolutions
from model_serving.graph_rewrites.int8.ranges import LayerRange
from model_serving.graph_rewrites.network import Network

# The share of a photo's values that a range holds. To hold all would make the steps between the others too wide.
HELD_SHARE = 0.9999


def measure_ranges(
    graph_def: graph_pb2.GraphDef, pixels: str, output: str, batches: Sequence[np.ndarray]
) -> list[LayerRange]:
    """Return the ranges of the layers of what `fold` returned, for inputs `pixels` like those of `batches`, [N, ...].

    Where no ReLU follows, the mean of each channel is kept by its bias (Nagel et al. 2019). Rounding makes the features
    shorter all the same, and a classifier on them less sure: the last layer's gain keeps their length. Raises
    `ValueError` if there are no inputs.
    """
    if not any(len(batch) for batch in batches):
        raise ValueError("Ranges cannot be measured without a photo.")
    found = list(layers(Network(graph_def, [output])))
    tensors = sorted({name for layer in found for name in (layer.input_name, layer.output.name)})
    largest = {name: float(value) for name, value in _measure(graph_def, pixels, tensors, _held, batches).items()}
    ranges = [LayerRange(largest[layer.input_name], largest[layer.output.name]) for layer in found]
    corrections = _correct_means(graph_def, pixels, output, batches, ranges)
    ranges = [
        layer_range.corrected(corrections[layer.output.name]) if layer.output.name in corrections else layer_range
        for layer, layer_range in zip(found, ranges, strict=True)
    ]
    network = Network(graph_def, [output])
    if found[-1].output.name not in (output, *network.nodes[output].input):
        return ranges  # the features are not the last layer's
    rounded = rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges)])
    lengths = [_measure(graph, pixels, [output], _length, batches)[output] for graph in (graph_def, rounded)]
    return [*ranges[:-1], replace(ranges[-1], gain=float(lengths[0] / lengths[1]))]


def _correct_means(
    graph_def: graph_pb2.GraphDef,
    pixels: str,
    output: str,
    batches: Sequence[np.ndarray],
    ranges: Sequence[LayerRange],
) -> dict[str, np.ndarray]:
    """Return what each layer without a ReLU lacks of its means in fp32, [channels], once those before it are mended.

    Mended outputs are fed to what follows, so that all passes together compute each layer once.
    """
    names = [layer.output.name for layer in layers(Network(graph_def, [output])) if not layer.is_rectified]
    means = _measure(graph_def, pixels, names, _mean, batches)
    corrections: dict[str, np.ndarray] = {}
    mended: list[dict[str, np.ndarray]] = [{pixels: batch} for batch in batches if len(batch)]
    with tf.Graph().as_default() as graph:
        rounded = rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges)])
        tf.import_graph_def(rounded, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        for name in names:
            values = [session.run(f"{name}:0", fed) for fed in mended]
            mean = np.concatenate([value.mean((1, 2)) for value in values]).mean(0)
            corrections[name] = means[name] - mean
            for fed, value in zip(mended, values, strict=True):
                fed[f"{name}:0"] = value + corrections[name]
    return corrections


def _held(values: tf.Tensor) -> tf.Tensor:
    """Return, of each input, the absolute value that all but a few of its values keep below, [N]."""
    flat = tf.reshape(tf.abs(values), [tf.shape(values)[0], -1])
    beyond = tf.cast(tf.cast(tf.shape(flat)[1], tf.float32) * (1 - HELD_SHARE), tf.int32)
    return tf.math.top_k(flat, beyond + 1).values[:, -1]


def _mean(values: tf.Tensor) -> tf.Tensor:
    """Return the means of the channels, [N, channels]."""
    return tf.reduce_mean(values, [1, 2])


def _length(values: tf.Tensor) -> tf.Tensor:
    """Return the Euclidean length of each input's pooled features, [N]."""
    return tf.norm(tf.reduce_mean(values, [1, 2]), axis=1)


def _measure(
    graph_def: graph_pb2.GraphDef,
    pixels: str,
    tensors: Sequence[str],
    statistic: Callable[[tf.Tensor], tf.Tensor],
    batches: Sequence[np.ndarray],
) -> Mapping[str, np.ndarray]:
    """Return the mean over all inputs of a statistic of each tensor."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        statistics = [statistic(graph.get_tensor_by_name(f"{name}:0")) for name in tensors]
    with tf.compat.v1.Session(graph=graph) as session:
        answers = [session.run(statistics, {pixels: batch}) for batch in batches if len(batch)]
    return {name: np.concatenate(values).mean(0) for name, *values in zip(tensors, *answers, strict=True)}
