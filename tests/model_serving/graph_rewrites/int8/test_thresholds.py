"""Thresholds against the normalisations that they stand for."""

from functools import partial

import numpy as np
import pytest
from keras import layers

from model_serving.graph_rewrites import fold, rewritten
from model_serving.graph_rewrites.int8.levels import use_levels
from model_serving.graph_rewrites.int8.ranges import LEVELS, ChannelRanges
from model_serving.graph_rewrites.int8.thresholds import use_thresholds

CHANNELS = 12


def network_of(build, scale: np.ndarray, offset: np.ndarray, pooled: bool):
    """Return a network whose levels are its inputs, and the kernel and bias behind normalisation and ReLU."""

    def body(x):
        parts = [layers.Conv2D(CHANNELS // 2, 1, use_bias=False, name=f"part{place}")(x) for place in range(2)]
        x = layers.ReLU()(layers.BatchNormalization(epsilon=0, name="norm")(layers.Concatenate()(parts)))
        return layers.Conv2D(5, 1, name="last")(layers.AveragePooling2D(2)(x) if pooled else x)

    network = build((4, 4, CHANNELS), body)
    for place in range(2):
        kernel = np.eye(CHANNELS)[None, None, :, place * CHANNELS // 2 : (place + 1) * CHANNELS // 2]
        network.get_layer(f"part{place}").set_weights([kernel])
    network.get_layer("norm").set_weights([scale, offset, np.zeros(CHANNELS), np.ones(CHANNELS)])
    numbers = np.random.default_rng(0)
    last = [numbers.normal(0, 1, (1, 1, CHANNELS, 5)), numbers.normal(0, 1, 5)]
    network.get_layer("last").set_weights(last)
    return network, last


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooled"])
def test_thresholds_are_their_equation(toolkit, pooled: bool) -> None:
    """Channels of both signs, of none and nearly none, that pass always, sometimes or never, on all levels."""
    build, freeze, answer, ops = toolkit
    scale = np.array([0.5, -0.5, 0.01, 0.0, 0.0, 1e-12, 1e-12, -1e-6, 0.3, -0.3, 0.2, -0.2])
    offset = np.array([-50.3, 60.2, -1.0, 2.0, -2.0, 1.5, -1.5, 0.7, 4.0, -4.0, -90.0, 90.0])
    network, (kernel, bias) = network_of(build, scale, offset, pooled)
    ranges = [ChannelRanges(np.zeros(6, np.float32), np.full(6, LEVELS, np.float32))] * 2
    rewrites = [partial(use_levels, ranges=ranges), use_thresholds]
    rounded = rewritten(fold(freeze(network), ["Identity"]), ["Identity"], rewrites)
    assert (ops(rounded)["Maximum"], ops(rounded)["Minimum"], ops(rounded)["Relu"]) == (1, 1, 0)
    levels = np.random.default_rng(1).integers(0, 256, (16, 4, 4, CHANNELS)).astype(np.float32)
    levels[0], levels[1] = 0, LEVELS

    start = -offset / np.where(scale == 0, 1, scale)
    threshold = np.where(scale == 0, 0, np.round(start).clip(0, LEVELS))
    passing = np.where(scale > 0, np.maximum(levels, threshold), np.minimum(levels, threshold))
    at_threshold = scale * threshold + offset
    inside = (threshold > 0) & (threshold < LEVELS)
    values = scale * (passing - threshold) + np.where(inside, at_threshold / 2, np.maximum(at_threshold, 0))
    exact = np.maximum(levels * scale + offset, 0)
    assert np.abs(values - exact).max() <= 0.25 * np.abs(scale).max() + 1e-9

    if pooled:
        values = values.reshape(16, 2, 2, 2, 2, CHANNELS).mean((2, 4))
    np.testing.assert_allclose(answer(rounded, levels), values @ kernel[0, 0] + bias, rtol=1e-4, atol=2e-3)


def test_thresholds_need_a_convolution_behind(toolkit) -> None:
    """A normalisation whose ReLU gives the features stays one."""
    build, freeze, _, ops = toolkit

    def body(x):
        parts = [layers.Conv2D(4, 1, use_bias=False)(x) for _ in range(2)]
        return layers.ReLU()(layers.BatchNormalization()(layers.Concatenate()(parts)))

    ranges = [ChannelRanges(np.zeros(4, np.float32), np.ones(4, np.float32))] * 2
    graph_def = fold(freeze(build((4, 4, 3), body)), ["Identity"])
    rounded = rewritten(graph_def, ["Identity"], [partial(use_levels, ranges=ranges), use_thresholds])
    assert (ops(rounded)["Relu"], ops(rounded)["Maximum"]) == (1, 0)
