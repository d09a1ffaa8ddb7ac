"""Extraction on Ray gives what the local engine gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_serving.backbones import Backbone, load_backbone
from model_serving.data.dataset import LabelledPhoto
from model_serving.distributed.features import pool_on_ray
from model_serving.training.features import FeatureCache, Features, extract_features, pool_here


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("efficientnet_lite2")


@pytest.fixture
def photos(small_photos: Path, tmp_path: Path) -> list[LabelledPhoto]:
    """Return 64 real photos, a broken one, and one that is not there."""
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    files = [path for path in sorted(small_photos.rglob("*")) if path.is_file()][:64]
    return [LabelledPhoto(path, "Pug") for path in [*files, tmp_path / "broken.jpg", tmp_path / "gone.jpg"]]


def extract(backbone: Backbone, photos: list[LabelledPhoto], cache: Path, pooling: object) -> Features:
    opened = FeatureCache(cache, backbone.fingerprint)
    try:
        return extract_features(backbone, photos, opened, "test", pooling)
    finally:
        opened.close()


def test_pool_on_ray_gives_the_same_features(
    ray_cluster: int, backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """Each photo has the features that the local engine computes, and what cannot be read is named with its reason.

    They come block by block, for the cache to keep.
    """
    blocks: list[int] = []

    def counted(backbone: Backbone, paths: list[Path]) -> object:
        for block in pool_on_ray(backbone, paths, workers=1):
            blocks.append(len(block))
            yield block

    here = extract(backbone, photos, tmp_path / "here", pool_here)
    there = extract(backbone, photos, tmp_path / "ray", counted)
    assert len(blocks) > 2
    assert sum(blocks) == len(photos)
    assert [photo.path for photo in there.photos] == [photo.path for photo in here.photos]
    assert there.skipped == here.skipped
    assert len(there.skipped) == 2
    np.testing.assert_allclose(there.values, here.values, atol=1e-4)
