"""A backbone so small that a test can count what it computes."""

import keras
import numpy as np
import pytest
from PIL import Image

from model_serving.backbones import Backbone
from model_serving.photos import Geometry


@pytest.fixture(scope="session")
def tiny_backbone() -> Backbone:
    """Return a backbone of 4 x 4 patches of a 16-pixel photo: its features are the patches' mean colours."""
    pixels = keras.Input((16, 16, 3))
    return Backbone("tiny", Geometry(16, 1.0), keras.Model(pixels, keras.layers.AveragePooling2D(4)(pixels)), None)


def colour_photo(red: int, green: int, blue: int, seed: int = 0) -> Image.Image:
    """Draw a photo of one colour with a little noise, so that no two are the same."""
    noise = np.random.default_rng(seed).integers(-8, 9, (32, 32, 3))
    return Image.fromarray(np.clip(noise + np.array([red, green, blue]), 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def draw_photo() -> object:
    """Return `colour_photo`."""
    return colour_photo
