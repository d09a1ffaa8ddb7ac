from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from model_serving.data.dataset import Dataset, LabelledPhoto, read_dataset
from model_serving.data.inspection import inspect


def picture(seed: int) -> Image.Image:
    """Draw soft blots that no other seed has."""
    blots = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(blots).resize((320, 240), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two breeds whose twelve photos are all different, in train, valid and test."""
    for split, numbers in (("train", range(8)), ("valid", range(8, 10)), ("test", range(10, 12))):
        for number in numbers:
            folder = tmp_path / split / ("Akita" if number % 2 else "Borzoi")
            folder.mkdir(parents=True, exist_ok=True)
            picture(number).save(folder / f"{number}.jpg")
    return read_dataset(tmp_path)


def test_inspect_sound_dataset_finds_only_counts(dataset: Dataset) -> None:
    """Photos that differ are never called one picture, and each is counted under its split and breed."""
    inspection = inspect(dataset)
    assert inspection.counts == {
        "train": Counter({"Akita": 4, "Borzoi": 4}),
        "valid": Counter({"Akita": 1, "Borzoi": 1}),
        "test": Counter({"Akita": 1, "Borzoi": 1}),
    }
    assert [inspection.broken, inspection.leaks, inspection.conflicts] == [[], [], []]
    assert "few photos: Akita (4)" in str(inspection)


@pytest.mark.parametrize("change", [lambda image: image, ImageOps.mirror], ids=["plain", "mirrored"])
def test_inspect_leak_names_both_photos(
    dataset: Dataset, tmp_path: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    """A training photo that stands in the test split too, smaller, saved again and even mirrored, is found."""
    copy = tmp_path / "test/Akita/copy.jpg"
    change(picture(3).resize((150, 112))).save(copy, quality=50)
    (leak,) = inspect(read_dataset(tmp_path)).leaks
    assert (leak.first.path.name, leak.second.path.name, leak.splits) == ("3.jpg", "copy.jpg", ("train", "test"))
    assert inspect(read_dataset(tmp_path)).conflicts == []


def test_inspect_conflict_names_both_photos(dataset: Dataset, tmp_path: Path) -> None:
    """One picture under two breeds is found, within a split as well."""
    picture(3).save(tmp_path / "train/Borzoi/copy.png")
    (conflict,) = inspect(read_dataset(tmp_path)).conflicts
    assert {conflict.first.path.name, conflict.second.path.name} == {"3.jpg", "copy.png"}


def test_inspect_broken_photo_gives_reason(dataset: Dataset, tmp_path: Path) -> None:
    """A photo that cannot be read is named with its reason, and the others are still looked at."""
    (tmp_path / "train/Akita/broken.jpg").write_bytes(b"no photo")
    inspection = inspect(read_dataset(tmp_path))
    ((path, reason),) = inspection.broken
    assert path.name == "broken.jpg"
    assert reason
    assert f"broken: {path}: {reason}" in str(inspection)


def test_inspect_real_photos_finds_each_copy_and_nothing_else(shared_images: Path, tmp_path: Path) -> None:
    """Copies of 24 real photos, mirrored at half their size, are paired with their originals, and no others."""
    folder = tmp_path / "copies"
    folder.mkdir()
    files = sorted((shared_images / "udacity133").glob("*.jpg"))
    for file in files[:24]:
        with Image.open(file) as image:
            half = ImageOps.mirror(ImageOps.exif_transpose(image).convert("RGB")).reduce(2)
            half.save(folder / file.name, quality=50)
    photos = {
        "train": [LabelledPhoto(file, file.name) for file in files],
        "test": [LabelledPhoto(file, file.name) for file in sorted(folder.iterdir())],
    }
    inspection = inspect(Dataset((), photos))
    assert inspection.conflicts == []
    assert sorted(leak.first.path.name for leak in inspection.leaks) == sorted(file.name for file in files[:24])
    assert all(leak.first.path.name == leak.second.path.name for leak in inspection.leaks)


def test_inspect_real_photos_finds_the_one_picture_with_two_names(shared_images: Path) -> None:
    """Of the sample photos, which are all of different things, only those two that do show one picture are paired."""
    folders = ("udacity133", "dogs_small", "not_dogs")
    files = [file for name in folders for file in sorted((shared_images / name).glob("*.[jJ]*"))]
    photos = Dataset((), {"train": [LabelledPhoto(file, str(file)) for file in files]})
    (conflict,) = inspect(photos).conflicts
    assert {conflict.first.path.stem, conflict.second.path.stem} == {"australian_terrier", "silky_terrier"}


def test_inspect_of_one_picture_in_many_files_names_each_file_once(tmp_path: Path) -> None:
    """A picture that many files show is told of each of them, not of each pair."""
    for number in range(40):
        folder = tmp_path / ("pug" if number % 2 else "boxer")
        folder.mkdir(exist_ok=True)
        Image.linear_gradient("L").resize((16 + number, 16)).save(folder / f"{number}.png")
    inspection = inspect(read_dataset(tmp_path))
    assert 20 <= len(inspection.conflicts) < 40
    assert len({twins.second.path for twins in inspection.conflicts}) == len(inspection.conflicts)
