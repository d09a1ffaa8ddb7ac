"""Features of photos and their cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_serving.backbones import Backbone
from model_serving.data import batches
from model_serving.data.dataset import LabelledPhoto
from model_serving.training import features
from model_serving.training.features import FeatureCache, extract_features

Draw = Callable[..., Image.Image]


@pytest.fixture
def photos(tmp_path: Path, draw_photo: Draw) -> list[LabelledPhoto]:
    """Return 20 photos of one breed, red growing from one to the next."""
    result = []
    for number in range(20):
        path = tmp_path / f"{number:02}.png"
        draw_photo(10 * number, 100, 100, seed=number).save(path)
        result.append(LabelledPhoto(path, "Pug"))
    return result


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record every photo that is decoded: the cost that the cache must save."""
    seen: list[bytes] = []
    original = batches.read_pixels

    def recording(photo: bytes, *args: object) -> Image.Image:
        seen.append(photo)
        return original(photo, *args)

    monkeypatch.setattr(batches, "read_pixels", recording)
    return seen


def extract(backbone: Backbone, photos: list[LabelledPhoto], cache: Path) -> features.Features:
    opened = FeatureCache(cache, backbone.fingerprint)
    try:
        return extract_features(backbone, photos, opened, "test")
    finally:
        opened.close()


def test_extract_features_belong_to_their_photos(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """Each row is of its own photo, over several batches."""
    result = extract(tiny_backbone, photos, tmp_path / "cache")
    assert result.values.shape == (20, 3)
    np.testing.assert_allclose(result.values[:, 0], [10 * number for number in range(20)], atol=5)


def test_extract_features_again_computes_nothing(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path, decoded: list[bytes]
) -> None:
    """A second run reads everything from the cache, and gets the same values."""
    first = extract(tiny_backbone, photos, tmp_path / "cache")
    decoded.clear()
    second = extract(tiny_backbone, photos, tmp_path / "cache")
    assert decoded == []
    np.testing.assert_array_equal(first.values, second.values)


def test_extract_features_of_new_photos_computes_only_those(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path, decoded: list[bytes]
) -> None:
    """Adding photos costs those photos, wherever the others have moved meanwhile."""
    extract(tiny_backbone, photos[:15], tmp_path / "cache")
    decoded.clear()
    photos[0] = LabelledPhoto(photos[0].path.rename(tmp_path / "moved.png"), "Pug")
    extract(tiny_backbone, photos, tmp_path / "cache")
    assert len(decoded) == 5


def test_extract_features_after_replacing_a_photo_computes_it(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path, draw_photo: Draw
) -> None:
    """Another photo under an old name never gets the old one's features (a defect of the original)."""
    extract(tiny_backbone, photos, tmp_path / "cache")
    draw_photo(0, 0, 255).save(photos[3].path)
    replaced = [LabelledPhoto(photo.path, photo.breed) for photo in photos]
    np.testing.assert_allclose(extract(tiny_backbone, replaced, tmp_path / "cache").values[3], [0, 0, 255], atol=8)


def test_extract_features_after_an_interruption_goes_on(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was computed before Ctrl-C is kept."""
    seen = 0
    original = batches.read_pixels

    def interrupted(*args: object) -> Image.Image:
        nonlocal seen
        seen += 1
        if seen > 16:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(batches, "read_pixels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(tiny_backbone, photos, tmp_path / "cache")
    seen = -100
    result = extract(tiny_backbone, photos, tmp_path / "cache")
    assert len(result.values) == 20
    assert seen + 100 <= 12


def test_extract_features_skips_broken_photos_by_name(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """Damaged and vanished photos are named, each of them; the others keep their order and labels."""
    damaged = photos[1].path.read_bytes()[:60]
    for number in (1, 3):
        photos[number].path.write_bytes(damaged)
    for number in (5, 7):
        photos[number].path.unlink()
    result = extract(tiny_backbone, photos, tmp_path / "cache")
    assert [path.name for path, _ in result.skipped] == ["01.png", "03.png", "05.png", "07.png"]
    assert len(result.values) == len(result.photos) == 16
    np.testing.assert_allclose(result.values[1, 0], 20, atol=5)
