"""Class folders in the forms that people have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from model_serving.data.folders import read_folders
from model_serving.errors import DatasetError


def write(root: Path, names: Sequence[str]) -> None:
    """Write files that are photos by their endings; no test here decodes them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def labels(root: Path) -> list[tuple[str | None, tuple[str, ...], str]]:
    """Return the split, the groups and the label of each photo below `root`."""
    return [(file.split, file.groups, file.label) for file in read_folders(root).files]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["pug/1.jpg", "boxer/1.jpg"], [(None, (), "boxer"), (None, (), "pug")]),
        (["Images/n1/pug/1.jpg", "Images/n1/boxer/1.jpg"], [(None, (), "boxer"), (None, (), "pug")]),
        (["toy/pug/1.jpg", "hound/beagle/1.jpg"], [(None, ("hound",), "beagle"), (None, ("toy",), "pug")]),
        (["all/toy/pug/1.jpg", "all/beagle/1.jpg"], [(None, (), "beagle"), (None, ("toy",), "pug")]),
        (["pug/2021/1.jpg", "pug/1.jpg", "boxer/1.jpg"], [(None, (), "boxer"), (None, (), "pug"), (None, (), "pug")]),
        (["Train/pug/1.jpg", "val/pug/1.jpg"], [("train", (), "pug"), ("valid", (), "pug")]),
        (["dogs/training/pug/1.jpg", "dogs/testing/pug/1.jpg"], [("test", (), "pug"), ("train", (), "pug")]),
        (
            ["train/toy/pug/1.jpg", "train/hound/beagle/1.jpg"],
            [("train", ("hound",), "beagle"), ("train", ("toy",), "pug")],
        ),
        (
            ["pug/train/1.jpg", "pug/test/1.jpg", "boxer/train/1.jpg"],
            [("train", (), "boxer"), ("test", (), "pug"), ("train", (), "pug")],
        ),
        (["car/1.jpg", "train/1.jpg", "plane/1.jpg"], [(None, (), "car"), (None, (), "plane"), (None, (), "train")]),
        (
            ["car/1.jpg", "train/1.jpg", "train/old/1.jpg"],
            [(None, (), "car"), (None, (), "train"), (None, (), "train")],
        ),
        (["test/pug/1.jpg", "test/boxer/1.jpg"], [(None, (), "boxer"), (None, (), "pug")]),
        (["x.jpg/1.jpg", "pug/1.jpg"], [(None, (), "pug"), (None, (), "x.jpg")]),
    ],
)
def test_read_folders_finds_classes_splits_and_groups(
    tmp_path: Path, files: Sequence[str], expected: list[tuple[str | None, tuple[str, ...], str]]
) -> None:
    """The folder that holds photos is the class, whatever lies above it."""
    write(tmp_path, files)
    assert sorted(labels(tmp_path), key=lambda one: (one[2], one[0] or "")) == expected


def test_read_folders_leaves_out_annotations_and_says_what_else(tmp_path: Path) -> None:
    """Folders without photos beside `Images` are none of the classes; photos outside of class folders are told."""
    write(tmp_path, ["Images/n1-pug/1.jpg", "Images/n2-boxer/2.jpg", "Annotation/n1-pug/1", "lists/a.mat", "x.jpg"])
    found = read_folders(tmp_path)
    assert [file.label for file in found.files] == ["n1-pug", "n2-boxer"]
    assert found.empty == []
    assert found.notes == ["left out: 1 photos in ., which is in no class folder"]


def test_read_folders_tells_of_photos_beside_the_splits(tmp_path: Path) -> None:
    """Photos in no split are not learned from in silence, nor left out in silence."""
    write(tmp_path, ["train/pug/1.jpg", "test/pug/2.jpg", "extra/pug/3.jpg", "extra/pug/4.jpg", "test/5.jpg"])
    found = read_folders(tmp_path)
    assert len(found.files) == 2
    assert sorted(found.notes) == [
        "left out: 1 photos in test, which is in no class folder",
        "left out: 2 photos in extra/pug, which is in no split",
    ]


def test_read_folders_names_an_empty_class_folder(tmp_path: Path) -> None:
    """A class whose photos were forgotten is named, at whatever depth."""
    write(tmp_path, ["toy/pug/1.jpg", "hound/beagle/1.jpg"])
    (tmp_path / "toy" / "papillon").mkdir()
    assert read_folders(tmp_path).empty == ["toy/papillon"]


@pytest.mark.parametrize(
    ("one", "two"), [("Cat", "cat"), ("pug ", "pug"), ("toy/pug", "small/pug"), ("pug/2021", "boxer/2021")]
)
def test_read_folders_of_one_meaning_are_refused(tmp_path: Path, one: str, two: str) -> None:
    """Case twins, trailing blanks and one name in two places are told with both folders."""
    write(tmp_path, [f"{one}/1.jpg", f"{two}/2.jpg", "other/3.jpg"])
    with pytest.raises(DatasetError) as error:
        read_folders(tmp_path)
    assert repr(one) in str(error.value)
    assert repr(two) in str(error.value)


def test_read_folders_takes_names_of_any_kind(tmp_path: Path) -> None:
    """Emoji, 200 letters, dots and quotes make classes of their own; a computer's own folders make none."""
    names = ["🐶", "🐱", "x" * 200, "C++", "C", "it's", "a.b"]
    write(tmp_path, [f"{name}/1.jpg" for name in (*names, "__MACOSX", "@eaDir", ".cache")])
    found = read_folders(tmp_path)
    assert sorted(file.label for file in found.files) == sorted(names)
    assert len(set(found.names.values())) == len(names)


def test_read_folders_of_2000_classes(tmp_path: Path) -> None:
    """A class more costs no more than the one before it."""
    write(tmp_path, [f"{number:04}/1.jpg" for number in range(2000)])
    assert len({file.label for file in read_folders(tmp_path).files}) == 2000
