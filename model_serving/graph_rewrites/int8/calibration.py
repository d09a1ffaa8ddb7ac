"""Measuring on photos what int8 must know: how large a network's tensors get, and how far rounding moves means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites import rewritten
from model_serving.graph_rewrites.int8 import in_levels
from model_serving.graph_rewrites.int8.convolutions import Layer, layers, quantize_convolutions
from model_serving.graph_rewrites.int8.levels import are_levels, blocks
from model_serving.graph_rewrites.int8.ranges import LEVELS, ChannelRanges, LayerRange, Ranges
from model_serving.graph_rewrites.int8.residuals import chains
from model_serving.graph_rewrites.network import Network

# The share of a photo's values that a range holds. To hold all would make the steps between the others too wide.
HELD_SHARE = 0.9999
# The range of a channel goes at least so many standard deviations to both sides of its mean, whatever was seen.
LEAST_DEVIATIONS = 5


def measure_ranges(graph_def: graph_pb2.GraphDef, pixels: str, output: str, batches: Sequence[np.ndarray]) -> Ranges:
    """Return the ranges of what `fold` returned, for inputs `pixels` like those of `batches`, [N, ...].

    Where no ReLU follows, the mean of each channel is kept by its bias (Nagel et al. 2019). Rounding makes the features
    shorter all the same, and a classifier on them less sure: the last layer's gain keeps their length. Raises
    `ValueError` if there are no inputs.
    """
    if not any(len(batch) for batch in batches):
        raise ValueError("Ranges cannot be measured without a photo.")
    network = Network(graph_def, [output])
    joined = list({part.name: (part.name,) for block in blocks(network) for part in block.parts}.values())
    added = [tuple(tensor.name for tensor in chain.tensors) for chain in chains(network)]
    parts, sums = (_measure_channels(graph_def, pixels, groups, batches) for groups in (joined, added))
    summed = {name for names in added for name in names}
    graph_def = rewritten(graph_def, [output], in_levels(parts, sums))
    network = Network(graph_def, [output])
    found = list(layers(network))
    tensors = sorted({name for layer in found for name in (layer.input_name, layer.output.name)})
    levels = {name: float(LEVELS) for name in tensors if are_levels(network, name)}
    others = [name for name in tensors if name not in levels]
    measured = _measure(graph_def, pixels, others, _held, batches)
    largest = {name: float(values.mean()) for name, values in measured.items()} | levels
    ranges = [LayerRange(largest[layer.input_name], largest[layer.output.name]) for layer in found]
    ranges = _corrected(found, ranges, _correct_weights(graph_def, pixels, found, batches))
    ranges = _corrected(found, ranges, _correct_means(graph_def, pixels, output, batches, ranges, summed))
    if found[-1].output.name not in (output, *network.nodes[output].input):
        return Ranges(tuple(ranges), tuple(parts), tuple(sums))  # the features are not the last layer's
    rounded = rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges)])
    lengths = [_measure(graph, pixels, [output], _length, batches)[output].mean() for graph in (graph_def, rounded)]
    last = replace(ranges[-1], gain=float(lengths[0] / lengths[1]))
    return Ranges((*ranges[:-1], last), tuple(parts), tuple(sums))


def _corrected(
    found: Sequence[Layer], ranges: Sequence[LayerRange], corrections: Mapping[str, np.ndarray]
) -> list[LayerRange]:
    return [
        layer_range.corrected(corrections[layer.output.name]) if layer.output.name in corrections else layer_range
        for layer, layer_range in zip(found, ranges, strict=True)
    ]


def _measure_channels(
    graph_def: graph_pb2.GraphDef, pixels: str, groups: Sequence[Sequence[str]], batches: Sequence[np.ndarray]
) -> list[ChannelRanges]:
    """Return the range of each channel of the tensors of each group: all that was seen, and some deviations more."""
    measured = _measure(graph_def, pixels, [name for group in groups for name in group], _extent, batches)
    ranges = [[_channel_ranges(*np.moveaxis(measured[name], 1, 0)) for name in group] for group in groups]
    return [
        ChannelRanges(np.min([one.least for one in group], 0), np.max([one.most for one in group], 0))
        for group in ranges
    ]


def _channel_ranges(least: np.ndarray, most: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> ChannelRanges:
    """Return ranges by what photos have each, [N, channels]; no negative values where none was seen, behind a ReLU."""
    center = mean.mean(0)
    width = LEAST_DEVIATIONS * np.sqrt(np.maximum(squares.mean(0) - center**2, 0))
    floor = np.float32(0 if (least >= 0).all() else -np.inf)
    return ChannelRanges(
        np.maximum(np.minimum(least.min(0), center - width), floor), np.maximum(most.max(0), center + width)
    )


def _correct_weights(
    graph_def: graph_pb2.GraphDef, pixels: str, found: Sequence[Layer], batches: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what rounding its weights takes of the means of each layer that reads levels, [channels].

    Levels do not lie round zero: what a weight is rounded by moves the mean.
    """
    network = Network(graph_def, [layer.output.name for layer in found])
    readers = [layer for layer in found if layer.is_rectified and are_levels(network, layer.input_name)]
    means = _measure(graph_def, pixels, sorted({layer.input_name for layer in readers}), _mean, batches)
    corrections = {}
    for layer in readers:
        rounded = layer.weights.integers * (layer.weights.largest / 127)
        corrections[layer.output.name] = means[layer.input_name].mean(0) @ (layer.kernel - rounded).sum((0, 1))
    return corrections


def _correct_means(
    graph_def: graph_pb2.GraphDef,
    pixels: str,
    output: str,
    batches: Sequence[np.ndarray],
    ranges: Sequence[LayerRange],
    summed: Set[str],
) -> dict[str, np.ndarray]:
    """Return what each layer without a ReLU lacks of its means in fp32, [channels], once those before it are mended.

    Mended outputs are fed to what follows, so that all passes together compute each layer once. Levels, which are those
    of `summed`, become integers again, some of them the next above, as many as the correction is of a level.
    """
    found = layers(Network(graph_def, [output]))
    names = [layer.output.name for layer in found if not layer.is_rectified or layer.output.name in summed]
    if not names:
        return {}
    means = _measure(graph_def, pixels, names, _mean, batches)
    corrections: dict[str, np.ndarray] = {}
    numbers = np.random.default_rng(0)
    mended: list[dict[str, np.ndarray]] = [{pixels: batch} for batch in batches if len(batch)]
    with tf.Graph().as_default() as graph:
        rounded = rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges)])
        tf.import_graph_def(rounded, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        for name in names:
            values = [session.run(f"{name}:0", fed) for fed in mended]
            mean = np.concatenate([value.mean((1, 2)) for value in values]).mean(0)
            corrections[name] = means[name].mean(0) - mean
            for fed, value in zip(mended, values, strict=True):
                mended_value = value + corrections[name]
                if name in summed:
                    mended_value = np.floor(mended_value + numbers.random(value.shape, np.float32)).clip(0, LEVELS)
                fed[f"{name}:0"] = mended_value
    return corrections


def _held(values: tf.Tensor) -> tf.Tensor:
    """Return, of each input, the absolute value that all but a few of its values keep below, [N]."""
    flat = tf.reshape(tf.abs(values), [tf.shape(values)[0], -1])
    beyond = tf.cast(tf.cast(tf.shape(flat)[1], tf.float32) * (1 - HELD_SHARE), tf.int32)
    return tf.math.top_k(flat, beyond + 1).values[:, -1]


def _extent(values: tf.Tensor) -> tf.Tensor:
    """Return the least and largest values, means and mean squares of the channels, [N, 4, channels]."""
    means = [tf.reduce_mean(values, [1, 2]), tf.reduce_mean(values**2, [1, 2])]
    return tf.stack([tf.reduce_min(values, [1, 2]), tf.reduce_max(values, [1, 2]), *means], 1)


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
    """Return a statistic of each tensor for every input, [N, ...]."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        statistics = [statistic(graph.get_tensor_by_name(f"{name}:0")) for name in tensors]
    with tf.compat.v1.Session(graph=graph) as session:
        answers = [session.run(statistics, {pixels: batch}) for batch in batches if len(batch)]
    return {name: np.concatenate(values) for name, *values in zip(tensors, *answers, strict=True)}
