"""A small DenseNet, and networks in int8 by measured ranges."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
from keras import layers
from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites.int8 import quantize
from model_serving.graph_rewrites.int8.calibration import measure_ranges


def normalized(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return `x` with a normalisation and a ReLU behind it."""
    return layers.ReLU()(layers.BatchNormalization()(x))


def convolved(x: keras.KerasTensor, channels: int, kernel: int) -> keras.KerasTensor:
    """Return a convolution of `x` as DenseNet has them."""
    return layers.Conv2D(channels, kernel, padding="same", use_bias=False)(x)


def build_dense_network(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return two dense blocks on a stem, with a transition between them, as Huang et al. 2017 describe."""
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(normalized(convolved(x, 16, 3))))
    for block in range(2):
        if block:
            x = layers.AveragePooling2D(2)(convolved(normalized(x), 20, 1))
        for _ in range(2):
            bottleneck = normalized(convolved(normalized(x), 24, 1))
            x = layers.Concatenate()([x, convolved(bottleneck, 8, 3)])
    return normalized(x)


@pytest.fixture(scope="session")
def dense_network() -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return the body of a small DenseNet."""
    return build_dense_network


@pytest.fixture(scope="session")
def rounded_by_measured_ranges(toolkit) -> Callable[..., tuple[graph_pb2.GraphDef, np.ndarray, np.ndarray]]:
    """Return what quantises a graph by ranges that are measured on noise, and answers other noise by both graphs."""
    _, _, answer, _ = toolkit

    def round_and_answer(graph_def: graph_pb2.GraphDef, shape: Sequence[int]):
        numbers = np.random.default_rng(1)
        batches = [numbers.normal(0, 1, (4, *shape)).astype(np.float32) for _ in range(4)]
        rounded = quantize(graph_def, "Identity", measure_ranges(graph_def, "x:0", "Identity", batches))
        x = numbers.normal(0, 1, (8, *shape)).astype(np.float32)
        return rounded, answer(graph_def, x), answer(rounded, x)

    return round_and_answer
