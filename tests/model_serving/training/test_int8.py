"""A trained head's answers in int8 beside those in fp32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from model_serving.backbones import load_backbone
from model_serving.backbones.int8 import Int8Record, in_int8, int8_networks, int8_record
from model_serving.graph_rewrites.int8 import kernels
from model_serving.graph_rewrites.int8.ranges import Ranges
from model_serving.savedmodel.comparison import NEAR
from model_serving.savedmodel.int8_gate import gated
from model_serving.training.calibration import softmax
from model_serving.training.features import pool_here
from model_serving.training.int8 import extracting, int8_accuracy, int8_ranges


def test_int8_accuracy_compares_the_same_photos(shared_images: Path, tmp_path: Path) -> None:
    """Real photos of dogs get the same breed both ways, and a photo that has become unreadable is left out."""
    backbone = load_backbone("efficientnet_lite2")
    photos = sorted((shared_images / "dogs").glob("*.jpg"))
    features = np.stack([np.asarray(values) for batch in pool_here(backbone, photos) for _, values in batch])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")

    def probabilities(values: np.ndarray) -> np.ndarray:
        return softmax(backbone.imagenet.logits(values))

    labels, record = probabilities(features).argmax(1), int8_record(backbone)
    accuracy = int8_accuracy(
        backbone, record, [*photos, broken], np.vstack([features, features[:1]]), np.append(labels, 0), probabilities
    )
    assert accuracy.photos == len(photos)
    assert (accuracy.top1_float32, accuracy.top1, accuracy.agreement) == (1, 1, 1)
    assert 0 < accuracy.change < 0.05
    assert "it takes 50 photos" in gated(backbone, record, accuracy, NEAR)["why_not"]
    rounded = np.stack(
        [np.asarray(values) for batch in pool_here(in_int8(backbone, record), photos) for _, values in batch]
    )
    again = int8_accuracy(backbone, record, photos, rounded, labels, probabilities, are_int8=True)
    assert (again.photos, again.top1_float32, again.top1) == (len(photos), 1, 1)
    assert again.change == pytest.approx(accuracy.change, abs=1e-4)


def test_extracting_is_in_int8_only_where_heads_are_as_good(tiny_backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features are in int8 by default, of a backbone on record, on this machine, and if its kernels run here."""
    backbone = load_backbone("efficientnet_lite2")
    for wanted in (None, True):
        assert (
            extracting(backbone, wanted).frozen.graph_def
            == int8_networks(backbone, int8_record(backbone)).at_size.graph_def
        )
        assert extracting(tiny_backbone, wanted) is tiny_backbone
    assert extracting(backbone, False) is backbone
    assert extracting(backbone, None, pooling=lambda *_: iter(())) is backbone
    monkeypatch.setattr(kernels, "run_here", lambda: False)
    assert extracting(backbone, True) is backbone


def test_int8_accuracy_is_unknown_without_ranges_or_photos(tiny_backbone, tmp_path: Path) -> None:
    """A backbone without ranges on record, or a data set without validation photos, gives no figures and no error."""
    nothing = np.zeros((0, 3), np.float32), np.zeros(0, int), softmax
    assert int8_accuracy(tiny_backbone, int8_record(tiny_backbone), [tmp_path / "a.jpg"], *nothing) is None
    record = Int8Record(Ranges(()), {})
    assert int8_accuracy(tiny_backbone, record, [], *nothing) is None
    assert "no ranges" in gated(tiny_backbone, None, None, NEAR)["why_not"]


def test_int8_ranges_are_measured_where_none_are_on_record(
    tiny_backbone, shared_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training photos give the ranges, without those that have become unreadable; no photo at all gives none."""
    pixels = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(4, 3, activation="relu")(pixels)
    backbone = replace(tiny_backbone, network=keras.Model(pixels, features))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    photos = sorted((shared_images / "dogs").glob("*.jpg"))
    record = int8_ranges(backbone, [broken, *photos])
    assert f"on {len(photos) + 1} training photos" in capsys.readouterr().out
    assert record.photos == {"from": "training photos", "measured": len(photos)}
    assert [layer.read for layer in record.ranges.layers] == [pytest.approx(255, rel=0.1)]
    assert int8_ranges(backbone, [broken]) is None
    starter = load_backbone("efficientnet_lite2")
    assert int8_ranges(starter, []).ranges.layers == int8_record(starter).ranges.layers
