"""Concatenations in levels against the network that they come from."""

from functools import partial

import numpy as np
import pytest
from keras import layers

from model_serving.graph_rewrites import fold, rewritten
from model_serving.graph_rewrites.int8.levels import blocks, use_levels
from model_serving.graph_rewrites.int8.ranges import LEVELS, ChannelRanges
from model_serving.graph_rewrites.network import Network

SHAPE = (9, 9, 16)
X = np.random.default_rng(0).normal(0, 1, (4, *SHAPE)).astype(np.float32)


def parts_of(graph_def) -> list[str]:
    """Return the names of the tensors that are concatenated."""
    return list({part.name: None for block in blocks(Network(graph_def, ["Identity"])) for part in block.parts})


def with_output(graph_def, name: str):
    """Return the graph with the node called `name` as its output."""
    network = Network(graph_def, ["Identity"])
    network.nodes["Identity"].input[0] = name
    return network.to_graph_def()


def test_levels_change_nothing_within_their_ranges(toolkit, dense_network) -> None:
    """Parts scaled to levels, each channel by its own range, give the same features after hard normalisations."""
    build, freeze, answer, ops = toolkit
    graph_def = fold(freeze(build(SHAPE, dense_network)), ["Identity"])
    parts = parts_of(graph_def)
    seen = [answer(with_output(graph_def, name), X) for name in parts]
    ranges = [ChannelRanges(values.min((0, 1, 2)), values.max((0, 1, 2))) for values in seen]
    in_levels = rewritten(graph_def, ["Identity"], [partial(use_levels, ranges=ranges)])
    assert ops(in_levels)["ClipByValue"] == len(parts) == 6
    np.testing.assert_allclose(answer(in_levels, X), answer(graph_def, X), rtol=1e-3, atol=1e-4)
    for name in parts:
        levels = answer(with_output(in_levels, name), X)
        assert levels.min() == 0
        assert levels.max() == pytest.approx(LEVELS, abs=0.01)


def test_levels_cut_what_lies_beyond_their_ranges(toolkit) -> None:
    """A value below or above its channel's range becomes the range's end, and a channel without width divides by 1."""
    build, freeze, answer, _ = toolkit

    def body(x):
        joined = layers.Concatenate()([layers.Conv2D(2, 1, use_bias=False)(x), layers.Conv2D(1, 1, use_bias=False)(x)])
        return layers.BatchNormalization()(joined)

    network = build((1, 1, 3), body)
    first, second = (layer for layer in network.layers if isinstance(layer, layers.Conv2D))
    first.set_weights([np.eye(3)[None, None, :, :2]])
    second.set_weights([np.eye(3)[None, None, :, 2:]])
    graph_def = fold(freeze(network), ["Identity"])
    ends = [([-1, 2], [1, 2]), ([0], [4])]
    ranges = [ChannelRanges(*np.array(end, np.float32)) for end in ends]
    in_levels = rewritten(graph_def, ["Identity"], [partial(use_levels, ranges=ranges)])
    x = np.array([[-5, 2, 5], [5, 2, -5], [0.5, 2, 3]], np.float32).reshape(3, 1, 1, 3)
    cut = x.clip([-1, 2, 0], [1, 2, 4]).astype(np.float32)
    np.testing.assert_allclose(answer(in_levels, x), answer(graph_def, cut), rtol=1e-4, atol=1e-4)


def test_levels_need_a_range_for_every_part(toolkit, dense_network) -> None:
    """Ranges of another network are an error."""
    build, freeze, _, _ = toolkit
    graph_def = fold(freeze(build(SHAPE, dense_network)), ["Identity"])
    with pytest.raises(ValueError, match="shorter"):
        rewritten(graph_def, ["Identity"], [partial(use_levels, ranges=[])])


@pytest.mark.parametrize(
    "body",
    [
        lambda x: layers.Concatenate()([layers.Conv2D(4, 1, use_bias=False)(x), x]),
        lambda x: layers.ReLU()(layers.Concatenate()([layers.Conv2D(4, 1, use_bias=False)(x)] * 2)),
    ],
    ids=["a part that no convolution writes", "a reader that is no normalisation"],
)
def test_blocks_are_those_that_levels_can_take(toolkit, body) -> None:
    """Concatenations of other tensors, or for other readers, stay as they are."""
    build, freeze, _, _ = toolkit
    graph_def = fold(freeze(build(SHAPE, body)), ["Identity"])
    assert list(blocks(Network(graph_def, ["Identity"]))) == []
