"""DenseNet201 out of keras.applications, with random weights: the real ones cannot be had without its host."""

import http.server
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.applications import densenet

from model_serving.backbones import RANDOM, load_backbone
from model_serving.errors import WeightsUnavailableError


def test_densenet201_from_file_with_top_brings_classifier(tmp_path: Path) -> None:
    """A user's file of full weights gives the network and ImageNet's classifier of that very file."""
    whole = keras.applications.DenseNet201(weights=None)
    whole.save_weights(tmp_path / "top.weights.h5")
    backbone = load_backbone("densenet201", str(tmp_path / "top.weights.h5"))
    kernel, bias = whole.layers[-1].get_weights()
    np.testing.assert_array_equal(backbone.imagenet.kernel, kernel)
    np.testing.assert_array_equal(backbone.imagenet.bias, bias)

    pixels = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    features = backbone.network(pixels, training=False).numpy()
    expected = whole(keras.applications.densenet.preprocess_input(pixels.copy()), training=False).numpy()
    logits = features.mean((1, 2)) @ kernel + bias
    np.testing.assert_allclose(keras.ops.softmax(logits), expected, atol=1e-5)


def test_densenet201_from_file_without_top_has_no_classifier(tmp_path: Path) -> None:
    """A user's file of convolutions alone gives a backbone without ImageNet's classes, at any input size."""
    whole = keras.applications.DenseNet201(weights=None, include_top=False, input_shape=(224, 224, 3))
    whole.save_weights(tmp_path / "notop.weights.h5")
    backbone = load_backbone("densenet201", str(tmp_path / "notop.weights.h5"))
    assert backbone.imagenet is None
    assert backbone.network.output_shape == (None, 7, 7, 1920)
    larger = load_backbone("densenet201", str(tmp_path / "notop.weights.h5"), size=256)
    assert larger.network.output_shape == (None, 8, 8, 1920)
    for network in (backbone.network, larger.network):
        for ours, theirs in zip(network.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_densenet201_with_random_weights_has_no_classifier() -> None:
    """Random weights pretend no knowledge of ImageNet."""
    assert load_backbone("densenet201", RANDOM).imagenet is None


def test_densenet201_from_missing_file_is_one_clear_line() -> None:
    """A mistyped path is named."""
    with pytest.raises(WeightsUnavailableError, match=r"no file of weights 'nowhere\.h5'"):
        load_backbone("densenet201", "nowhere.h5")


def test_densenet201_from_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    """A file of something else is named, with what to do instead."""
    (tmp_path / "broken.weights.h5").write_bytes(b"not weights")
    with pytest.raises(WeightsUnavailableError, match=r"broken\.weights\.h5.*--backbone efficientnet_lite2") as error:
        load_backbone("densenet201", str(tmp_path / "broken.weights.h5"))
    assert "\n" not in str(error.value)


def test_densenet201_from_unreachable_host_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real download, from a server that refuses: one line that names the two ways out, and nothing half-loaded."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(503)

        def log_message(self, *args: object) -> None:
            pass

    asked: list[str] = []
    server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(densenet, "DENSENET201_WEIGHT_PATH", f"http://127.0.0.1:{server.server_port}/densenet201.h5")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    try:
        with pytest.raises(WeightsUnavailableError, match=r"--weights FILE.*--backbone efficientnet_lite2") as error:
            load_backbone("densenet201")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/densenet201.h5"]
    assert "\n" not in str(error.value)
