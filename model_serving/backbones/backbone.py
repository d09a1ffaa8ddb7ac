"""What every backbone brings, whichever family it is of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from model_serving.photos import PREPROCESSING_VERSION, Geometry

# Given in place of a file of weights: leave the network as it was initialised (for tests of speed and of export).
RANDOM = "random"


@dataclass(frozen=True)
class Classifier:
    """A dense layer on pooled features: `kernel` [features, classes] and `bias` [classes], both float32."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Backbone:
    """A frozen network: pixels float [N, size, size, 3] in 0..255 to a feature map [N, h, w, features].

    `imagenet` is the classifier of 1,000 classes that came with the weights, or None if they came without.
    """

    name: str
    geometry: Geometry
    network: keras.Model
    imagenet: Classifier | None

    @cached_property
    def pooled(self) -> tf.types.experimental.PolymorphicFunction:
        """Function from pixels uint8 [N, size, size, 3] to pooled features [N, features], means over the map."""
        size = self.geometry.size

        @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8)])
        def pooled(pixels: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(self.network(tf.cast(pixels, tf.float32), training=False), [1, 2])

        return pooled

    @cached_property
    def fingerprint(self) -> str:
        """Hash of name, preprocessing, layers and weights: features under the same fingerprint are the same."""
        parts = (self.name, self.geometry, PREPROCESSING_VERSION, _structure(self.network))
        digest = hashlib.sha256(repr(parts).encode())
        for weights in self.network.get_weights():
            digest.update(weights.tobytes())
        return digest.hexdigest()[:16]


def _structure(network: keras.Model) -> str:
    """Return the layers with their settings, of which some, such as a scale of pixels, are no weights.

    Keras numbers the layers of a process ("re_lu_7"), so that their names are replaced by their places.
    """
    places = {layer.name: str(place) for place, layer in enumerate(_layers(network))}
    text = json.dumps(network.get_config(), sort_keys=True)
    return re.sub(r'(?<=")[^"]+(?=")', lambda name: places.get(name[0], name[0]), text)


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    yield network
    for layer in network.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]
