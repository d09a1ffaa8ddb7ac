"""Residual sums in levels against the network that they come from."""

from collections import Counter
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from model_serving.graph_rewrites import fold, rewritten
from model_serving.graph_rewrites.int8.ranges import ChannelRanges
from model_serving.graph_rewrites.int8.residuals import chains, use_residual_levels
from model_serving.graph_rewrites.network import Network

SHAPE = (9, 9, 8)
X = np.random.default_rng(0).normal(0, 1, (4, *SHAPE)).astype(np.float32)


def projected(x, filters: int = 16):
    """A 1x1 convolution without a ReLU, of what a ReLU made."""
    return layers.Conv2D(filters, 1, bias_initializer="normal")(layers.ReLU(6)(layers.Conv2D(24, 1)(x)))


def residual_network(x):
    """A chain of a projection and two sums, of which the last is the other way round, and a chain of one tensor."""
    first = projected(x)
    second = layers.Add()([first, projected(first)])
    third = layers.Add()([projected(second), second])
    return layers.ReLU(6)(layers.Conv2D(20, 1)(projected(third, 12)))


def measured(answer, graph_def) -> list[ChannelRanges]:
    """Return what the channels of each chain hold for `X`."""
    found = []
    for chain in chains(Network(graph_def, ["Identity"])):
        values = []
        for tensor in chain.tensors:
            network = Network(graph_def, ["Identity"])
            network.nodes["Identity"].input[0] = tensor.name
            values.append(answer(network.to_graph_def(), X))
        ends = np.stack(values)
        found.append(ChannelRanges(ends.min((0, 1, 2, 3)), ends.max((0, 1, 2, 3))))
    return found


def test_chains_hold_projections_and_their_sums(toolkit) -> None:
    """Sums either way round belong to the projection that they begin with; one that nothing is added to is a chain."""
    build, freeze, _, _ = toolkit
    network = Network(fold(freeze(build(SHAPE, residual_network)), ["Identity"]), ["Identity"])
    found = [[tensor.op for tensor in chain.tensors] for chain in chains(network)]
    assert found == [["BiasAdd", "AddV2", "AddV2"], ["BiasAdd"]]
    assert [len(chain.readers) for chain in chains(network)] == [3, 1]


def test_residual_levels_change_nothing_within_their_ranges(toolkit) -> None:
    """A chain scaled to levels, each channel by one range for all its tensors, gives the same features."""
    build, freeze, answer, ops = toolkit
    graph_def = fold(freeze(build(SHAPE, residual_network)), ["Identity"])
    ranges = measured(answer, graph_def)
    in_levels = rewritten(graph_def, ["Identity"], [partial(use_residual_levels, ranges=ranges)])
    assert ops(in_levels)["ClipByValue"] == 4
    np.testing.assert_allclose(answer(in_levels, X), answer(graph_def, X), rtol=1e-3, atol=1e-4)


def test_residual_levels_cut_what_lies_beyond_their_ranges(toolkit) -> None:
    """A projection or a sum that is larger than its range, or smaller, becomes the range's end."""
    build, freeze, answer, _ = toolkit

    def body(x):
        first = layers.Conv2D(8, 1)(x)
        return layers.Conv2D(8, 1)(
            layers.Add()([first, layers.Conv2D(8, 1)(layers.ReLU()(layers.Conv2D(8, 1)(first)))])
        )

    network = build((1, 1, 8), body)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([np.eye(8)[None, None], np.zeros(8)])
    graph_def = fold(freeze(network), ["Identity"])
    ranges = [ChannelRanges(np.full(8, -2, np.float32), np.full(8, 3, np.float32))]
    in_levels = rewritten(graph_def, ["Identity"], [partial(use_residual_levels, ranges=ranges)])
    x = np.array([[-5, -1, 0, 1, 1.4, 2, 5, 0.5]], np.float32).reshape(1, 1, 1, 8)
    first = x.clip(-2, 3)
    np.testing.assert_allclose(answer(in_levels, x), (first + first.clip(0)).clip(-2, 3), rtol=1e-4, atol=1e-4)


def test_residual_sums_stay_in_integers_near_their_fp32(toolkit, rounded_by_measured_ranges) -> None:
    """With measured ranges the convolutions add the sums by themselves, and the features differ little."""
    build, freeze, _, ops = toolkit
    keras.utils.set_random_seed(0)
    graph_def = fold(freeze(build(SHAPE, residual_network)), ["Identity"])
    rounded, floats, integers = rounded_by_measured_ranges(graph_def, SHAPE)
    assert ops(rounded) == Counter(
        QuantizedConv2DWithBiasAndReluAndRequantize=7,
        QuantizedConv2DWithBiasSumAndReluAndRequantize=2,
        QuantizeV2=1,
        Dequantize=1,
    )
    assert np.linalg.norm(integers - floats) < 0.08 * np.linalg.norm(floats)


@pytest.mark.parametrize(
    "body",
    [
        lambda x: layers.ReLU()(layers.Conv2D(8, 3)(projected(x))),
        lambda x: layers.Conv2D(8, 1)(layers.Add()([x, projected(x, 8)])),
        lambda x: projected(x),
    ],
    ids=["a reader that pads", "a sum that begins with no projection", "an output"],
)
def test_chains_are_those_that_levels_can_take(toolkit, body) -> None:
    """Tensors that others read, or that begin otherwise, stay as they are."""
    build, freeze, _, _ = toolkit
    graph_def = fold(freeze(build(SHAPE, body)), ["Identity"])
    assert list(chains(Network(graph_def, ["Identity"]))) == []


def test_residual_levels_need_a_range_for_every_chain(toolkit) -> None:
    """Ranges of another network are an error."""
    build, freeze, _, _ = toolkit
    graph_def = fold(freeze(build(SHAPE, residual_network)), ["Identity"])
    with pytest.raises(ValueError, match="shorter"):
        rewritten(graph_def, ["Identity"], [partial(use_residual_levels, ranges=[])])
