"""Backbones out of `keras.applications`, whose ImageNet weights Keras downloads and keeps in `~/.keras`."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from model_serving.backbones.backbone import RANDOM, Backbone, Classifier
from model_serving.errors import WeightsUnavailableError
from model_serving.photos import Geometry

# The "torch" preprocessing that DenseNet's ImageNet weights were trained with, for pixels in 0..255.
IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_VARIANCE = ((0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2)
# The input's side of the network with its classifier; Keras refuses ImageNet's weights for another.
_CLASSIFIER_SIZE = 224


def load_densenet201(name: str, geometry: Geometry, weights: str | None) -> Backbone:
    """Return DenseNet201 (Huang et al. 2017): 1,920 features, with ImageNet's classifier unless the weights lack it."""
    shape = (geometry.size, geometry.size, 3)
    whole = _densenet201(weights)
    imagenet = None
    if weights != RANDOM and whole.layers[-1].name == "predictions":
        imagenet = Classifier(*whole.layers[-1].get_weights())
    convolutions = keras.Model(whole.input, whole.get_layer("relu").output)
    if geometry.size != _CLASSIFIER_SIZE:  # the same weights at another size: nothing in them depends on it
        trained = convolutions.get_weights()
        convolutions = keras.applications.DenseNet201(weights=None, input_shape=shape, include_top=False)
        convolutions.set_weights(trained)
    pixels = keras.Input(shape, name="pixels")
    scaled = layers.Normalization(mean=IMAGENET_MEAN, variance=IMAGENET_VARIANCE, name="imagenet_scale")(pixels)
    return Backbone(name, geometry, keras.Model(pixels, convolutions(scaled), name=name), imagenet)


def _densenet201(weights: str | None) -> keras.Model:
    """Build the network with its weights; those of a file may be with or without the classifier on top."""
    shape = (_CLASSIFIER_SIZE, _CLASSIFIER_SIZE, 3)
    if weights == RANDOM:
        return keras.applications.DenseNet201(weights=None, input_shape=shape)
    if weights and not Path(weights).is_file():
        raise WeightsUnavailableError(f"There is no file of weights {weights!r}. Check the path given by --weights.")
    try:
        try:
            return keras.applications.DenseNet201(weights=weights or "imagenet", input_shape=shape)
        except ValueError:
            if weights is None:
                raise
            return keras.applications.DenseNet201(weights=weights, input_shape=shape, include_top=False)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise WeightsUnavailableError(
            f"The weights {weights or 'imagenet'} of densenet201 could not be loaded ({_first_line(error)}). Give "
            "a file with --weights FILE, or take --backbone efficientnet_lite2, whose weights are installed."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
