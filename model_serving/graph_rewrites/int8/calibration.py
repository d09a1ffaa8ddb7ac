"""Measuring on photos what int8 must know: how large a network's tensors get, and how far rounding moves means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    Where no ReLU follows, the mean of each channel is kept by its bias (Nagel et al. 2019), layer by layer, since each
    mean depends on the corrections before it. Raises `ValueError` if there are no inputs.
    """
    if not any(len(batch) for batch in batches):
        raise ValueError("Ranges cannot be measured without a photo.")
    found = list(layers(Network(graph_def, [output])))
    tensors = sorted({name for layer in found for name in (layer.input_name, layer.output.name)})
    largest = {name: float(value) for name, value in _measure(graph_def, pixels, tensors, _held, batches).items()}
    ranges = [LayerRange(largest[layer.input_name], largest[layer.output.name]) for layer in found]
    linear = [place for place, layer in enumerate(found) if not layer.is_rectified]
    names = [found[place].output.name for place in linear]
    means = _measure(graph_def, pixels, names, _mean, batches)
    for place, name in zip(linear, names, strict=True):
        rounded = rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges)])
        moved = _measure(rounded, pixels, [name], _mean, batches)[name]
        ranges[place] = ranges[place].corrected(means[name] - moved)
    return ranges


def _held(values: tf.Tensor) -> tf.Tensor:
    """Return, of each input, the absolute value that all but a few of its values keep below, [N]."""
    flat = tf.reshape(tf.abs(values), [tf.shape(values)[0], -1])
    beyond = tf.cast(tf.cast(tf.shape(flat)[1], tf.float32) * (1 - HELD_SHARE), tf.int32)
    return tf.math.top_k(flat, beyond + 1).values[:, -1]


def _mean(values: tf.Tensor) -> tf.Tensor:
    """Return the means of the channels, [N, channels]."""
    return tf.reduce_mean(values, [1, 2])


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
