"""A trained head's answers in int8 beside those in fp32."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_serving.backbones import load_backbone
from model_serving.savedmodel.comparison import NEAR
from model_serving.savedmodel.int8_gate import gated
from model_serving.training.calibration import softmax
from model_serving.training.features import pool_here
from model_serving.training.int8 import int8_accuracy


def test_int8_accuracy_compares_the_same_photos(shared_images: Path, tmp_path: Path) -> None:
    """Real photos of dogs get the same breed both ways, and a photo that has become unreadable is left out."""
    backbone = load_backbone("efficientnet_lite2")
    photos = sorted((shared_images / "dogs").glob("*.jpg"))
    features = np.stack([np.asarray(values) for batch in pool_here(backbone, photos) for _, values in batch])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")

    def probabilities(values: np.ndarray) -> np.ndarray:
        return softmax(backbone.imagenet.logits(values))

    labels = probabilities(features).argmax(1)
    accuracy = int8_accuracy(
        backbone, [*photos, broken], np.vstack([features, features[:1]]), np.append(labels, 0), probabilities
    )
    assert accuracy.photos == len(photos)
    assert (accuracy.top1_float32, accuracy.top1, accuracy.agreement) == (1, 1, 1)
    assert 0 < accuracy.change < 0.05
    assert "it takes 50 photos" in gated(backbone, accuracy, NEAR)["why_not"]


def test_int8_accuracy_is_unknown_without_ranges_or_photos(tiny_backbone, tmp_path: Path) -> None:
    """A backbone without ranges on record, or a data set without validation photos, gives no figures and no error."""
    nothing = np.zeros((0, 3), np.float32), np.zeros(0, int), softmax
    assert int8_accuracy(tiny_backbone, [tmp_path / "a.jpg"], *nothing) is None
    assert int8_accuracy(load_backbone("efficientnet_lite2"), [], *nothing) is None
    assert "no ranges on record" in gated(tiny_backbone, None, NEAR)["why_not"]
