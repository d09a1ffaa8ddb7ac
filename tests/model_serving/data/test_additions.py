"""Photos that join the training photos."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dog_breed.command import main
from model_serving.data.additions import add_photos
from model_serving.data.dataset import Dataset, read_dataset
from model_serving.errors import DatasetError


def picture(seed: int) -> Image.Image:
    """Draw soft blots that no other seed has."""
    blots = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(blots).resize((320, 240), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))


def save(folder: Path, *seeds: int, quality: int = 95) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        picture(seed).save(folder / f"{seed}.jpg", quality=quality)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two breeds in train, valid and test."""
    for split, first in (("train", 0), ("valid", 10), ("test", 20)):
        save(tmp_path / "data" / split / "Akita", first, first + 1)
        save(tmp_path / "data" / split / "Borzoi", first + 2, first + 3)
    return read_dataset(tmp_path / "data")


def test_add_photos_adds_them_to_training_alone(dataset: Dataset, tmp_path: Path) -> None:
    """Photos of every given folder are learned from, and nothing is measured on them."""
    save(tmp_path / "one" / "akita", 100, 101)
    save(tmp_path / "other" / "001.Borzoi", 102)
    more, additions = add_photos(dataset, [tmp_path / "one", tmp_path / "other"])
    assert (additions.added, additions.left_out) == (3, 0)
    assert Counter(photo.breed for photo in more.splits["train"]) == {"Akita": 4, "Borzoi": 3}
    assert [more.splits[name] for name in ("valid", "test")] == [dataset.splits[name] for name in ("valid", "test")]


def test_add_photos_leaves_out_pictures_that_are_measured_on(dataset: Dataset, tmp_path: Path) -> None:
    """A picture of valid or test, smaller and saved again as feedback is, is left out and counted."""
    save(tmp_path / "more" / "Akita", 100, 11, 20, quality=60)
    picture(23).resize((200, 150)).save(tmp_path / "more" / "Akita" / "small.jpg")
    more, additions = add_photos(dataset, [tmp_path / "more"])
    assert (additions.added, additions.left_out) == (1, 3)
    assert [photo.path.name for photo in more.splits["train"]][-1] == "100.jpg"
    assert str(additions) == "1 more training photos; 3 left out that are in valid or test"


def test_add_photos_of_an_unknown_breed_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    """A breed that is learned from feedback alone could not be measured: it is named."""
    save(tmp_path / "more" / "Kuvasz", 100)
    with pytest.raises(DatasetError, match=r"more' has photos of Kuvasz, which the training photos have not"):
        add_photos(dataset, [tmp_path / "more"])


def test_add_photos_from_a_missing_folder_names_it(dataset: Dataset, tmp_path: Path) -> None:
    """A mistyped folder is not taken for one without photos."""
    with pytest.raises(DatasetError, match="no folder"):
        add_photos(dataset, [tmp_path / "gone"])


def test_add_photos_of_no_folder_changes_nothing(dataset: Dataset) -> None:
    """Without more folders a data set is what it was."""
    more, additions = add_photos(dataset, [])
    assert more == dataset
    assert (additions.added, additions.left_out) == (0, 0)


def test_inspect_with_more_photos_looks_at_them_too(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`inspect --also` counts what `train --also` would learn from, and finds one picture under two breeds."""
    save(tmp_path / "more" / "Borzoi", 1, 11, 100)
    main(["inspect", str(tmp_path / "data"), "--also", str(tmp_path / "more")])
    printed = capsys.readouterr().out
    assert "2 more training photos; 1 left out" in printed
    assert "train: 6 photos" in printed
    assert "same picture, two breeds" in printed
