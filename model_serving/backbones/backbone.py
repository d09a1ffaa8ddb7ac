"""What every backbone brings, whichever family it is of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

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
    def fingerprint(self) -> str:
        """Hash of name, preprocessing and weights: features computed under the same fingerprint are the same."""
        digest = hashlib.sha256(repr((self.name, self.geometry, PREPROCESSING_VERSION)).encode())
        for weights in self.network.get_weights():
            digest.update(weights.tobytes())
        return digest.hexdigest()[:16]
