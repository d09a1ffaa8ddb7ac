"""The peers' model: photos read with Pillow, and the SavedModel called as TensorFlow's documentation does."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class PeerModel:
    """The version that the environment names; `size` is the side of its photos."""

    def __init__(self) -> None:
        self._loaded = tf.saved_model.load(os.environ["PEER_MODEL"], tags=["serve"])  # owns what the signature uses
        self._predict = self._loaded.signatures["pixels"]
        self.size: int = self._predict.structured_input_signature[1]["pixels"].shape[1]

    def read(self, photo: Image.Image) -> Pixels:
        """Decode an opened photo for the model."""
        return np.asarray(photo.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR))

    def __call__(self, pixels: Pixels) -> list[dict[str, Any]]:
        """Return the answers to a batch."""
        outputs = self._predict(pixels=tf.constant(pixels))
        breeds, probabilities = outputs["top_breeds"].numpy(), outputs["top_probabilities"].numpy()
        return [
            {"breed": breed[0].decode(), "confidence": float(probability[0])}
            for breed, probability in zip(breeds, probabilities, strict=True)
        ]
