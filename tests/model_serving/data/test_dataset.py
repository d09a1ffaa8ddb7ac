"""Labelled photos and their splits."""

from collections import Counter
from pathlib import Path

import pytest

from model_serving.data.dataset import fingerprint, read_dataset, read_labelled, read_test_photos
from model_serving.errors import DatasetError


def make_photos(root: Path, counts: dict[str, int]) -> None:
    """Write files that differ in content; no test here decodes them."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.jpg").write_bytes(f"{root.name} {name} {number}".encode())


def test_read_dataset_of_udacity_layout_keeps_its_splits(tmp_path: Path) -> None:
    """Folders called train, valid and test are taken as they are, with readable breed names in order."""
    for split, count in (("train", 5), ("valid", 2), ("test", 1)):
        make_photos(tmp_path / split, {"002.Afghan_hound": count, "001.Affenpinscher": count})
    dataset = read_dataset(tmp_path)
    assert dataset.breeds == ("Affenpinscher", "Afghan Hound")
    assert {name: len(photos) for name, photos in dataset.splits.items()} == {"train": 10, "valid": 4, "test": 2}


def test_read_dataset_of_flat_folders_holds_out_a_share_of_every_class(tmp_path: Path) -> None:
    """Plain class folders are split class by class, and no photo is in two splits."""
    make_photos(tmp_path, {"pug": 40, "boxer": 20})
    splits = read_dataset(tmp_path).splits
    assert Counter(photo.breed for photo in splits["test"]) == {"Pug": 4, "Boxer": 2}
    assert Counter(photo.breed for photo in splits["valid"]) == {"Pug": 4, "Boxer": 2}
    paths = [photo.path for photos in splits.values() for photo in photos]
    assert len(paths) == len(set(paths)) == 60


def test_read_dataset_splits_by_content_not_by_name(tmp_path: Path) -> None:
    """Renaming photos, or keeping them elsewhere, moves none to another split."""
    make_photos(tmp_path / "a", {"pug": 30, "boxer": 30})
    for folder in ("pug", "boxer"):
        (tmp_path / "b" / folder).mkdir(parents=True)
        for path in (tmp_path / "a" / folder).iterdir():
            (tmp_path / "b" / folder / f"renamed_{path.name}").write_bytes(path.read_bytes())
    one, other = (read_dataset(tmp_path / name) for name in "ab")
    for split in ("train", "valid", "test"):
        assert {p.digest for p in one.splits[split]} == {p.digest for p in other.splits[split]}
        assert fingerprint(one.splits[split]) == fingerprint(other.splits[split])


def test_read_dataset_with_few_photos_keeps_them_for_training(tmp_path: Path) -> None:
    """One or two photos of a breed are for learning; nothing can be held out of them."""
    make_photos(tmp_path, {"pug": 1, "boxer": 2})
    splits = read_dataset(tmp_path).splits
    assert {name: len(photos) for name, photos in splits.items()} == {"train": 3, "valid": 0, "test": 0}


def test_read_dataset_of_one_class_says_what_is_missing(tmp_path: Path) -> None:
    """Nothing can be told apart in one class, and the message says how to lay out two."""
    make_photos(tmp_path, {"pug": 3})
    with pytest.raises(DatasetError, match="training needs two"):
        read_dataset(tmp_path)


def test_read_dataset_with_breed_outside_training_names_it(tmp_path: Path) -> None:
    """A test photo of a breed that was never trained would spoil the figures silently."""
    make_photos(tmp_path / "train", {"pug": 3, "boxer": 3})
    make_photos(tmp_path / "test", {"pug": 1, "boxer": 1, "beagle": 1})
    with pytest.raises(DatasetError, match="Beagle"):
        read_dataset(tmp_path)


def test_read_labelled_leaves_out_hidden_and_other_files(tmp_path: Path) -> None:
    """A folder's own files and notes beside the photos are no photos."""
    make_photos(tmp_path, {"pug": 1, ".cache": 1})
    (tmp_path / "pug" / "notes.txt").touch()
    (tmp_path / "pug" / "._0.jpg").touch()
    assert [photo.path.name for photo in read_labelled(tmp_path)] == ["0.jpg"]


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_read_labelled_without_photos_says_so(tmp_path: Path, name: str) -> None:
    """An empty or mistyped folder is named."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=name):
        read_labelled(tmp_path / name)


def test_read_labelled_of_one_meaning_are_refused(tmp_path: Path) -> None:
    """Two folders never become one class silently."""
    make_photos(tmp_path, {"german_shepherd": 1, "235.German_shepherd_dog": 1})
    with pytest.raises(DatasetError, match=r"'235\.German_shepherd_dog' and 'german_shepherd' mean the same class"):
        read_labelled(tmp_path)


@pytest.mark.parametrize("layout", ["", "train"])
def test_read_dataset_with_an_empty_class_names_it(tmp_path: Path, layout: str) -> None:
    """A breed whose photos were forgotten is not left out in silence."""
    make_photos(tmp_path / layout, {"pug": 3, "boxer": 3, "beagle": 0})
    with pytest.raises(DatasetError, match=r"no photos in '(train/)?beagle' of .*Put some there, or take it away"):
        read_dataset(tmp_path)


def test_read_dataset_of_one_photo_says_what_is_missing(tmp_path: Path) -> None:
    """One photo is one class, and nothing can be told from it."""
    make_photos(tmp_path, {"pug": 1})
    with pytest.raises(DatasetError, match="1 class; training needs two"):
        read_dataset(tmp_path)


def test_read_test_photos_of_a_data_set_with_splits_are_its_test_split(tmp_path: Path) -> None:
    """Only photos of the test split count, never those a version was trained on; without such a split all do."""
    for split, count in (("train", 5), ("test", 2)):
        make_photos(tmp_path / split, {"pug": count, "boxer": count})
    assert {photo.path.parts[-3] for photo in read_test_photos(tmp_path)} == {"test"}
    assert len(read_test_photos(tmp_path / "train")) == 10
