"""Each rewrite against the network it was given: the same answers on random input, and fewer or cheaper ops."""

import numpy as np
import pytest
from keras import layers

from model_serving.graph_rewrites import optimize
from model_serving.graph_rewrites.constants import fold_constants
from model_serving.graph_rewrites.convolutions import fold_scales, multiply_matrices, name_biases, pool_first
from model_serving.graph_rewrites.network import Network
from model_serving.graph_rewrites.normalization import fuse_normalizations

SHAPE = (8, 8, 6)


def two_readers(x):
    """A convolution that is normalised and also read as it is."""
    convolved = layers.Conv2D(12, 1)(x)
    return layers.Add()([convolved, layers.BatchNormalization()(convolved)])


def small_densenet(x):
    """Two dense blocks of two layers, with a transition between them."""
    x = layers.Conv2D(16, 7, 2, use_bias=False)(layers.ZeroPadding2D(3)(x))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(normalized(x)))
    for block in range(2):
        for _ in range(2):
            narrow = layers.Conv2D(20, 1, use_bias=False)(normalized(x))
            x = layers.Concatenate()([x, layers.Conv2D(8, 3, padding="same", use_bias=False)(normalized(narrow))])
        if block == 0:
            x = layers.AveragePooling2D(2)(layers.Conv2D(16, 1, use_bias=False)(normalized(x)))
    return normalized(x)


def normalized(x):
    """Batch normalisation and ReLU."""
    return layers.ReLU()(layers.BatchNormalization()(x))


# Network, the rewrites, and what is left of it to compute.
APPLIED = {
    "normalisation": (
        lambda x: layers.BatchNormalization()(x),
        [fold_constants],
        {"Mul": 1, "AddV2": 1},
    ),
    "convolution, normalisation": (
        lambda x: layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(12, 3, use_bias=False)(x))),
        [fold_constants, fold_scales, name_biases],
        {"Conv2D": 1, "BiasAdd": 1, "Relu": 1},
    ),
    "depthwise convolution, normalisation": (
        lambda x: layers.ReLU(6)(layers.BatchNormalization()(layers.DepthwiseConv2D(5, 2, "same", use_bias=False)(x))),
        [fold_constants, fold_scales, name_biases],
        {"DepthwiseConv2dNative": 1, "BiasAdd": 1, "Relu6": 1},
    ),
    "normalisation, convolution": (
        lambda x: layers.Conv2D(12, 3, use_bias=False)(layers.ReLU()(layers.BatchNormalization()(x))),
        [fold_constants, fold_scales, name_biases, fuse_normalizations],
        {"DepthwiseConv2dNative": 1, "BiasAdd": 1, "Relu": 1, "Conv2D": 1},
    ),
    "pointwise convolution, pooling": (
        lambda x: layers.AveragePooling2D(2)(layers.Conv2D(3, 1, use_bias=False)(x)),
        [fold_constants, pool_first],
        {"AvgPool": 1, "Conv2D": 1},
    ),
    "pointwise convolution, pooling over the border": (
        lambda x: layers.AveragePooling2D(3, 2, "same")(layers.Conv2D(3, 1, use_bias=False)(x)),
        [fold_constants, pool_first],
        {"AvgPool": 1, "Conv2D": 1},
    ),
    "narrowing pointwise convolution": (
        lambda x: layers.Conv2D(4, 1)(x),
        [fold_constants, multiply_matrices],
        {"Reshape": 2, "MatMul": 1, "BiasAdd": 1},
    ),
}
# Networks that a rewrite must let be, each with that rewrite.
NOT_APPLIED = {
    "the convolution is read twice": (two_readers, fold_scales),
    "the convolution is wide": (lambda x: layers.AveragePooling2D(2)(layers.Conv2D(3, 3)(x)), pool_first),
    "the convolution is strided": (lambda x: layers.AveragePooling2D(2)(layers.Conv2D(3, 1, 2)(x)), pool_first),
    "more channels come out": (lambda x: layers.Conv2D(12, 1)(x), multiply_matrices),
    "the convolution is grouped": (lambda x: layers.Conv2D(2, 1, groups=2, use_bias=False)(x), multiply_matrices),
    "one factor for all channels": (lambda x: layers.Rescaling(2.0, 1.0)(x), fuse_normalizations),
    "a depthwise filter has two outputs": (
        lambda x: layers.BatchNormalization()(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)),
        fold_scales,
    ),
}


@pytest.mark.parametrize("case", APPLIED)
def test_rewrites_keep_the_answer(toolkit, case: str) -> None:
    """With factors that are negative, near zero and zero, the answer stays and the ops are those meant."""
    build, freeze, answer, ops = toolkit
    body, rewrites, left = APPLIED[case]
    before = freeze(build(SHAPE, body))
    network = Network(before, ["Identity"])
    for rewrite in rewrites:
        rewrite(network)
        network.prune()
    after = network.to_graph_def()
    x = np.random.default_rng(1).normal(size=(3, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(answer(after, x), answer(before, x), atol=1e-5)
    assert ops(after) == left


def test_pool_first_comes_before_the_convolution(toolkit) -> None:
    """The convolution is the one that works on the smaller picture."""
    build, freeze, _, _ = toolkit
    body, rewrites, _ = APPLIED["pointwise convolution, pooling"]
    network = Network(freeze(build(SHAPE, body)), ["Identity"])
    for rewrite in rewrites:
        rewrite(network)
    network.prune()
    (convolution,) = network.of_type("Conv2D")
    assert network.producer(convolution, 0).op == "AvgPool"


@pytest.mark.parametrize("case", NOT_APPLIED)
def test_rewrites_let_be_what_they_would_change(toolkit, case: str) -> None:
    """A rewrite whose identity does not hold or does not pay changes nothing."""
    build, freeze, _, ops = toolkit
    body, rewrite = NOT_APPLIED[case]
    network = Network(freeze(build(SHAPE, body)), ["Identity"])
    fold_constants(network)
    network.prune()
    before = ops(network.to_graph_def())
    rewrite(network)
    network.prune()
    assert ops(network.to_graph_def()) == before


def test_optimize_keeps_the_answer_of_a_small_densenet(toolkit) -> None:
    """All rewrites together on the architecture they are for, and no normalisation is left as it was."""
    build, freeze, answer, ops = toolkit
    before = freeze(build((32, 32, 3), small_densenet))
    after = optimize(before, ["Identity"])
    x = np.random.default_rng(1).normal(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(answer(after, x), answer(before, x), atol=1e-4)
    assert not {"Mul", "AddV2", "Rsqrt"} & set(ops(after))
    assert ops(after)["MatMul"] == 3  # the second narrow convolution of each block, and the transition
