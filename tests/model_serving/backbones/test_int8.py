"""Backbones in int8, and the ranges on record."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_serving.backbones import Backbone, load_backbone
from model_serving.backbones.int8 import in_int8, int8_record
from model_serving.photos import read_pixels


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """Return the starter's backbone."""
    return load_backbone("efficientnet_lite2")


def test_fingerprint_in_int8_is_one_of_its_own(backbone: Backbone) -> None:
    """Features in int8 are never taken for others, in fp32 or by other ranges; those of the same network are known."""
    record = int8_record(backbone)
    assert record
    fingerprint = in_int8(backbone, record).fingerprint
    assert fingerprint == in_int8(load_backbone("efficientnet_lite2"), record).fingerprint
    *layers, last = record.ranges.layers
    wider = replace(record.ranges, layers=(*layers, replace(last, written=2 * last.written)))
    others = {backbone.fingerprint, in_int8(backbone, replace(record, ranges=wider)).fingerprint}
    assert len(others | {fingerprint}) == 3


def test_features_in_int8_are_near_those_in_fp32(backbone: Backbone, shared_images: Path) -> None:
    """A backbone in int8 pools features of photos like the one it is made of, also once its fingerprint is known."""
    record = int8_record(backbone)
    assert record
    rounded = in_int8(backbone, record)
    assert rounded.fingerprint
    photos = sorted((shared_images / "dogs").glob("*.jpg"))[:3]
    pixels = np.stack([np.asarray(read_pixels(photo.read_bytes(), backbone.geometry)) for photo in photos])
    floats, integers = backbone.pooled(pixels).numpy(), rounded.pooled(pixels).numpy()
    assert 0 < np.linalg.norm(integers - floats) < 0.2 * np.linalg.norm(floats)
