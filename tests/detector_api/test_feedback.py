"""The store of photos that may be kept: what is in a file, and that a file is there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from detector_api import errors, feedback
from detector_api.feedback import LONG_SIDE, FeedbackStore
from model_serving.photos import MAX_PIXELS
from model_serving.photos.pool import shared_pool


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    """A store with room for some photos, in the test's own folder."""
    return FeedbackStore(tmp_path, 10_000_000, MAX_PIXELS, shared_pool())


def jpeg_of(colour: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_keep_photo_leaves_nothing_of_the_file_but_its_pixels(store: FeedbackStore, tmp_path: Path) -> None:
    """A kept photo is upright and of bounded size, and no place, comment, profile or thumbnail is in it."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825)[29] = "SECRET date"
    photo = jpeg_of("red", (3000, 1500), exif=exif, comment=b"SECRET comment", icc_profile=b"SECRET profile")
    assert photo.count(b"SECRET") == 4
    identity = store.keep(photo, "Akita")
    kept = tmp_path / "Akita" / f"{identity}.jpg"
    assert identity == hashlib.sha256(photo).hexdigest()
    with Image.open(kept) as image:
        assert image.size == (LONG_SIDE // 2, LONG_SIDE)
        assert image.getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=2)
        assert set(image.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"SECRET" not in kept.read_bytes()


def test_keep_small_photo_does_not_enlarge_it(store: FeedbackStore, tmp_path: Path) -> None:
    """A photo that is small already keeps its size."""
    identity = store.keep(jpeg_of("blue"), "Akita")
    with Image.open(tmp_path / "Akita" / f"{identity}.jpg") as image:
        assert image.size == (60, 40)


def test_keep_photo_again_keeps_it_once(store: FeedbackStore, tmp_path: Path) -> None:
    """The same photo sent twice is one file, which is not written again."""
    identity = store.keep(jpeg_of("red"), "Akita")
    written = (tmp_path / "Akita" / f"{identity}.jpg").stat()
    assert store.keep(jpeg_of("red"), "Akita") == identity
    assert files(tmp_path) == [f"Akita/{identity}.jpg"]
    assert (tmp_path / "Akita" / f"{identity}.jpg").stat().st_ino == written.st_ino


def test_keep_photo_under_another_breed_moves_it(store: FeedbackStore, tmp_path: Path) -> None:
    """Of two statements about one photo the later holds."""
    identity = store.keep(jpeg_of("red"), "Akita")
    store.keep(jpeg_of("red"), "Beagle")
    assert files(tmp_path) == [f"Beagle/{identity}.jpg"]


def test_keep_photo_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    """The folder never has more bytes than its bound, and what is kept already may still be moved."""
    one, other = jpeg_of("red"), jpeg_of("blue")
    store = FeedbackStore(tmp_path, round(1.5 * len(one)), MAX_PIXELS, shared_pool())
    identity = store.keep(one, "Akita")
    with pytest.raises(errors.FeedbackFullError):
        store.keep(other, "Akita")
    assert files(tmp_path) == [f"Akita/{identity}.jpg"]
    store.keep(one, "Beagle")
    (tmp_path / "Beagle" / f"{identity}.jpg").unlink()
    store.keep(other, "Akita")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, errors.FeedbackFullError),
        (errno.EDQUOT, errors.FeedbackFullError),
        (errno.EROFS, errors.FeedbackUnavailableError),
        (errno.EIO, errors.FeedbackUnavailableError),
    ],
)
def test_keep_photo_on_a_failing_disk_leaves_nothing_half_written(
    store: FeedbackStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    """No file is left by a disk that fails after the bytes are written, and the log gets no path."""

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number), "/srv/secret")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error) as failure:
        store.keep(jpeg_of("red"), "Akita")
    assert files(tmp_path) == []
    assert str(failure.value) == os.strerror(number)


def test_keep_photo_without_the_folder_says_so(tmp_path: Path) -> None:
    """A folder that went away is an error of its own, and is not made again elsewhere."""
    with pytest.raises(errors.FeedbackUnavailableError):
        FeedbackStore(tmp_path / "gone", 10_000, MAX_PIXELS, shared_pool()).keep(jpeg_of("red"), "Akita")


@pytest.mark.parametrize("breed", ["../Akita", "/tmp/Akita", "..", ".hidden", "a/b", ""])
def test_keep_photo_under_a_breed_that_leads_elsewhere_is_refused(tmp_path: Path, breed: str) -> None:
    """Nothing is written outside of the folder, even if the model's own breeds say so."""
    (tmp_path / "kept").mkdir()
    with pytest.raises(errors.ModelAnswerError):
        FeedbackStore(tmp_path / "kept", 10_000_000, MAX_PIXELS, shared_pool()).keep(jpeg_of("red"), breed)
    assert files(tmp_path) == []


def test_keep_photo_costs_the_same_however_many_are_kept(
    store: FeedbackStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the folder is known, a photo more makes the store look into no folder that has not changed."""
    (tmp_path / "Beagle").mkdir()
    for number in range(2000):
        (tmp_path / "Beagle" / f"{number}.jpg").write_bytes(b"x")
    store.keep(jpeg_of("red"), "Akita")
    looked: list[Path] = []
    monkeypatch.setattr(feedback, "_measure", looked.append)
    store.keep(jpeg_of("blue"), "Akita")
    store.keep(jpeg_of("green"), "Beagle")
    store.keep(jpeg_of("black"), "Beagle")
    assert looked == []


def test_keep_photo_notices_what_others_add_and_delete(tmp_path: Path) -> None:
    """The bound holds for what is in the folder, whoever put it there, and room that was made is used."""
    store = FeedbackStore(tmp_path, 10_000, MAX_PIXELS, shared_pool())
    store.keep(jpeg_of("red"), "Akita")
    other = tmp_path / "Akita" / "other.jpg"
    other.write_bytes(bytes(9_990))
    with pytest.raises(errors.FeedbackFullError):
        store.keep(jpeg_of("blue"), "Beagle")
    other.unlink()
    store.keep(jpeg_of("blue"), "Beagle")
