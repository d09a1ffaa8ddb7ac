"""Backbone: a frozen pretrained network of any family."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model_serving.graph_rewrites import fold, multiply
from model_serving.photos import PREPROCESSING_VERSION, Geometry

# Given in place of a file of weights: leave the network as it was initialised (for tests of speed and of export).
RANDOM = "random"


@dataclass(frozen=True)
class Classifier:
    """A dense layer on pooled features: `kernel` [features, classes] and `bias` [classes], both float32."""

    kernel: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logits [N, classes] of pooled features [N, features]."""
        return features @ self.kernel + self.bias


@dataclass(frozen=True)
class FrozenNetwork:
    """A network as a graph with its weights as constants, and the names of the tensors that it takes and gives."""

    graph_def: graph_pb2.GraphDef
    pixels: str
    features: str

    @property
    def output(self) -> str:
        """Name of the node that computes the features."""
        return self.features.partition(":")[0]

    def on(self, pixels: tf.Tensor, name: str) -> tf.Tensor:
        """Add the network to the graph that is being built, below `name`, and return the features of `pixels`."""
        (features,) = tf.import_graph_def(
            self.graph_def, input_map={self.pixels: pixels}, return_elements=[self.features], name=name
        )
        return features


@dataclass(frozen=True)
class Networks:
    """A network for pixels of the model's size, and the same for pixels of any, where photos are searched."""

    at_size: FrozenNetwork
    at_any_size: FrozenNetwork


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
    def frozen(self) -> FrozenNetwork:
        """The network from uint8 pixels on, rewritten to take less time.

        It is made when it is first asked for; later changes of the weights do not reach it.
        """
        return replace(self.folded, graph_def=multiply(self.folded.graph_def, [self.folded.output]))

    @cached_property
    def folded(self) -> FrozenNetwork:
        """The same network with every convolution as such, for the rewrites to int8 to begin with."""
        return self._freeze(self._pixels)

    @cached_property
    def folded_at_any_size(self) -> FrozenNetwork:
        """The same for pixels uint8 [N, H, W, 3] of any height and width: matrices would need them known."""
        return self._freeze(tf.TensorSpec([None, None, None, 3], tf.uint8, "pixels"))

    @property
    def networks(self) -> Networks:
        """The networks in fp32, as they are exported."""
        return Networks(self.frozen, self.folded_at_any_size)

    def _freeze(self, spec: tf.TensorSpec) -> FrozenNetwork:
        @tf.function(input_signature=[spec])
        def features(pixels: tf.Tensor) -> tf.Tensor:
            return self.network(tf.cast(pixels, tf.float32), training=False)

        frozen = convert_variables_to_constants_v2(features.get_concrete_function())
        output = frozen.outputs[0].op.name
        return FrozenNetwork(fold(frozen.graph.as_graph_def(), [output]), frozen.inputs[0].name, f"{output}:0")

    @cached_property
    def pooled(self) -> tf.types.experimental.PolymorphicFunction:
        """Function from pixels uint8 [N, size, size, 3] to pooled features [N, features], means over the map.

        It runs the graph that is exported, which takes less time than Keras's.
        """
        network = self.frozen

        @tf.function(input_signature=[self._pixels])
        def pooled(pixels: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(network.on(pixels, name="backbone"), [1, 2])

        return pooled

    @property
    def _pixels(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, self.geometry.size, self.geometry.size, 3], tf.uint8, "pixels")

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
