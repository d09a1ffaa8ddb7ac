"""Fingerprints, which tell the features of one backbone from those of another."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from model_serving.backbones import Backbone, backbone
from model_serving.photos import Geometry


def make(
    *, name: str = "small", crop: float = 1.0, offset: float = 0.0, padding: str = "same", seed: int = 0
) -> Backbone:
    """Build a backbone anew, with a scale of pixels and a nested network as the real ones have."""
    pixels = keras.Input((16, 16, 3))
    convolution = keras.layers.Conv2D(
        4, 3, padding=padding, kernel_initializer=keras.initializers.GlorotUniform(seed=seed)
    )
    nested_input = keras.Input((16, 16, 3))
    nested = keras.Model(nested_input, keras.layers.ReLU()(convolution(nested_input)))
    scaled = keras.layers.Rescaling(1 / 128, offset=offset)(pixels)
    return Backbone(name, Geometry(16, crop), keras.Model(pixels, nested(scaled)), None)


def test_fingerprint_of_the_same_backbone_is_the_same() -> None:
    """Built twice, under whatever numbers Keras gives its layers, a backbone finds the features it has computed."""
    assert make().fingerprint == make().fingerprint


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: make(name="other"), id="name"),
        pytest.param(lambda: make(crop=0.9), id="part of the photo"),
        pytest.param(lambda: make(seed=1), id="weights"),
        pytest.param(lambda: make(offset=-1.0), id="scale of pixels, which is no weight"),
        pytest.param(lambda: make(padding="valid"), id="layers of the same weights"),
    ],
)
def test_fingerprint_of_another_backbone_is_another(other: Callable[[], Backbone]) -> None:
    """Every change that alters the features alters the fingerprint."""
    assert other().fingerprint != make().fingerprint


def test_fingerprint_after_a_change_of_preprocessing_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of pixels that were made in another way are not taken for current."""
    before = make().fingerprint
    monkeypatch.setattr(backbone, "PREPROCESSING_VERSION", backbone.PREPROCESSING_VERSION + 1)
    assert make().fingerprint != before


def test_pooled_features_are_those_of_the_network() -> None:
    """The rewritten graph gives the mean of what the Keras network gives, for as many photos as come."""
    one = make()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    expected = one.network(pixels.astype(np.float32), training=False).numpy().mean((1, 2))
    np.testing.assert_allclose(one.pooled(pixels).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(one.pooled(pixels[:1]).numpy(), expected[:1], atol=1e-5)
