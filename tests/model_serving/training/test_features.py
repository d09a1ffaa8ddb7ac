"""Features of photos and their cache."""

import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from model_serving.backbones import Backbone
from model_serving.data import batches
from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import StorageError
from model_serving.photos import PhotoError
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
    original = batches.decode

    def recording(photo: bytes, *args: object) -> np.ndarray | PhotoError:
        seen.append(photo)
        return original(photo, *args)

    monkeypatch.setattr(batches, "decode", recording)
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
    """Features computed before Ctrl-C are kept."""
    seen = 0
    original = batches.decode

    def interrupted(*args: object) -> np.ndarray | PhotoError:
        nonlocal seen
        seen += 1
        if seen > 16:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(batches, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(tiny_backbone, photos, tmp_path / "cache")
    seen = -100
    result = extract(tiny_backbone, photos, tmp_path / "cache")
    assert len(result.values) == 20
    assert seen + 100 <= 12


def test_features_of_a_killed_process_are_kept(tmp_path: Path) -> None:
    """Features that one process put are there for the next, though it was killed in the middle of another batch."""
    program = """
import os, sys
import numpy as np
from pathlib import Path
from model_serving.training.features import FeatureCache

cache = FeatureCache(Path(sys.argv[1]), "tiny")
cache.put(["one", "two"], np.ones((2, 3), np.float32))

class Dying(list):
    def __iter__(self):
        yield "three"
        os.kill(os.getpid(), 9)

cache.put(Dying(), np.ones((2, 3), np.float32))
"""
    died = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    cache = FeatureCache(tmp_path / "cache", "tiny")
    np.testing.assert_array_equal(cache.get("two"), np.ones(3))
    assert cache.get("three") is None
    cache.put(["three"], np.zeros((1, 3), np.float32))
    np.testing.assert_array_equal(cache.get("three"), np.zeros(3))


def test_extract_features_of_another_backbone_are_its_own(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """One cache serves several backbones, and none gets the features of another."""
    network = keras.Sequential([tiny_backbone.network, keras.layers.Rescaling(2.0)])
    twice = Backbone("tiny", tiny_backbone.geometry, network, None)
    once = extract(tiny_backbone, photos, tmp_path / "cache")
    np.testing.assert_allclose(extract(twice, photos, tmp_path / "cache").values, 2 * once.values, rtol=1e-5)


def test_extract_features_decodes_while_it_computes(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch is decoded before the first one's features are there."""
    order: list[str] = []
    original = batches.decode
    decoded_second = threading.Event()

    def decoding(*args: object) -> np.ndarray | PhotoError:
        order.append("decoded")
        if len(order) > batches.BATCH:
            decoded_second.set()
        return original(*args)

    class Waiting(FeatureCache):
        def put(self, *args: object) -> None:
            assert decoded_second.wait(20)
            super().put(*args)

    monkeypatch.setattr(batches, "decode", decoding)
    cache = Waiting(tmp_path / "cache", tiny_backbone.fingerprint)
    assert len(extract_features(tiny_backbone, photos, cache, "test").values) == 20
    cache.close()


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


def test_extract_features_to_a_full_disk_keeps_what_is_there(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """A disk that is full is told in one line, and what was kept before is there when it no longer is."""
    first = extract(tiny_backbone, photos[:4], tmp_path / "cache")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(StorageError, match=r"No features can be kept in '.*cache': .*Make room there"):
            extract(tiny_backbone, photos, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    np.testing.assert_array_equal(extract(tiny_backbone, photos, tmp_path / "cache").values[:4], first.values)


def test_extract_features_with_another_file_for_a_cache_says_so(
    tiny_backbone: Backbone, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    """A file that is no cache is named, and stays what it is."""
    (tmp_path / "notes.txt").write_text("not a database, " * 100)
    with pytest.raises(StorageError, match=r"notes\.txt': file is not a database"):
        extract(tiny_backbone, photos, tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")
