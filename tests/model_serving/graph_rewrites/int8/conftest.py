"""A small DenseNet."""

from collections.abc import Callable

import keras
import pytest
from keras import layers


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
