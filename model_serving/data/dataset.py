"""Labelled photos in class folders, or in a list, and their split into train, valid and test."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model_serving.data.files import photos_below
from model_serving.errors import DatasetError
from model_serving.photos.labels import readable

SPLITS = ("train", "valid", "test")
# Of each class this share goes to a split that the folders do not provide.
HELD_OUT_SHARE = 0.1


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo's file and the breed it shows, by its readable name."""

    path: Path
    breed: str

    @cached_property
    def digest(self) -> str | None:
        """Hash of the file's content, None if it cannot be read."""
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError:
            return None


@dataclass(frozen=True)
class Dataset:
    """Photos by split, and the breeds in index order (alphabetical)."""

    breeds: tuple[str, ...]
    splits: dict[str, list[LabelledPhoto]]


def read_dataset(root: Path) -> Dataset:
    """Read `root/<class>/` folders, or `root/train/<class>/` with `valid` and `test` beside it where they exist.

    A split without a folder of its own is taken out of the training photos, class by class, by the hash of their
    content: the same set of photos is always split alike, wherever they lie and whatever they are called. Raises
    `DatasetError` if there are no two classes to tell apart, or a class without photos to learn it from.
    """
    has_splits = (root / "train").is_dir()
    splits = {name: read_class_folders(root / name) for name in SPLITS if has_splits and (root / name).is_dir()}
    if not has_splits:
        splits["train"] = read_class_folders(root)
    _refuse_empty_classes(root / "train" if has_splits else root, splits["train"])
    for name in SPLITS[1:]:
        if name not in splits:
            splits["train"], splits[name] = _hold_out(splits["train"])
    breeds = tuple(sorted({photo.breed for photo in splits["train"]}))
    if len(breeds) < 2:
        raise DatasetError(
            f"{str(root)!r} holds photos of {len(breeds)} classes; training needs two. "
            "Put the photos of each breed in a folder named after it."
        )
    strangers = {photo.breed for name in SPLITS[1:] for photo in splits[name]} - set(breeds)
    if strangers:
        raise DatasetError(
            f"No training photo shows {', '.join(sorted(strangers))}, but other splits have photos of it."
        )
    return Dataset(breeds, splits)


def read_class_folders(root: Path) -> list[LabelledPhoto]:
    """Return the photos in the folders below `root`, each named after the breed it holds; hidden files are left out.

    Raises `DatasetError` if there are none.
    """
    if not root.is_dir():
        raise DatasetError(f"There is no folder {str(root)!r}.")
    folders = _class_folders(root)
    names: dict[str, str] = {}
    for folder in folders:
        if (other := names.setdefault(readable(folder.name), folder.name)) != folder.name:
            raise DatasetError(f"The folders {other!r} and {folder.name!r} mean the same class. Rename or merge one.")
    photos = [LabelledPhoto(path, readable(folder.name)) for folder in folders for path in photos_below(folder)]
    if not photos:
        raise DatasetError(
            f"{str(root)!r} holds no photos in class folders. Put each breed's photos in its own folder."
        )
    return photos


def read_list(file: Path) -> list[LabelledPhoto]:
    """Return the photos of a CSV file of `file,label` lines, with or without that header; paths are relative to it.

    Raises `DatasetError` for a line of another form.
    """
    photos = []
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{str(file)!r} is no list of file,label lines. Give a CSV file or a folder.") from error
    for number, row in enumerate(rows, start=1):
        if not row or (number == 1 and row == ["file", "label"]):
            continue
        if len(row) != 2:
            raise DatasetError(f"Line {number} of {str(file)!r} is not of the form file,label: {row!r}.")
        photos.append(LabelledPhoto(file.parent / row[0], readable(row[1])))
    if not photos:
        raise DatasetError(f"The list {str(file)!r} names no photos.")
    return photos


def fingerprint(photos: Iterable[LabelledPhoto]) -> str:
    """Return a hash of the photos' contents and labels, whatever their order and their names."""
    lines = sorted(f"{photo.digest} {photo.breed}" for photo in photos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _class_folders(root: Path) -> list[Path]:
    return [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]


def _refuse_empty_classes(root: Path, photos: list[LabelledPhoto]) -> None:
    breeds = {photo.breed for photo in photos}
    if empty := [folder.name for folder in _class_folders(root) if readable(folder.name) not in breeds]:
        raise DatasetError(
            f"There are no photos in {', '.join(map(repr, empty))} of {str(root)!r}. Put some there, or take it away."
        )


def _hold_out(photos: list[LabelledPhoto]) -> tuple[list[LabelledPhoto], list[LabelledPhoto]]:
    """Take a share out of every class that can spare one photo; return the rest and what was taken."""
    by_breed: dict[str, list[LabelledPhoto]] = {}
    for photo in photos:
        by_breed.setdefault(photo.breed, []).append(photo)
    taken: set[Path] = set()
    for members in by_breed.values():
        if len(members) >= 3:
            members.sort(key=lambda photo: photo.digest or "")
            taken.update(photo.path for photo in members[: max(1, round(len(members) * HELD_OUT_SHARE))])
    return [p for p in photos if p.path not in taken], [p for p in photos if p.path in taken]
