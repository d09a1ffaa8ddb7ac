"""A data set: labelled photos, split into train, valid and test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from model_serving.data.files import read_file
from model_serving.data.labelled_files import LabelledFiles
from model_serving.data.lists import ANY_COLUMNS, Columns
from model_serving.data.sources import read_source
from model_serving.errors import DatasetError
from model_serving.photos.labels import plain_name

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
            return hashlib.sha256(read_file(self.path)).hexdigest()
        except OSError:
            return None


@dataclass(frozen=True)
class Dataset:
    """Photos by split, and the breeds in index order (alphabetical).

    `groups` has the group of each breed whose folder lies in another's; `notes` tell what was left out, a line each.
    """

    breeds: tuple[str, ...]
    splits: dict[str, list[LabelledPhoto]]
    groups: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_dataset(source: Path, columns: Columns = ANY_COLUMNS) -> Dataset:
    """Read class folders, a list, or a zip file of either; see `read_source`.

    A split that the source does not have is taken out of the training photos, class by class, by the hash of their
    content: the same set of photos is always split alike, wherever they lie and whatever they are called. Raises
    `DatasetError` if there are no two classes to tell apart, or a class without photos to learn it from.
    """
    found = read_source(source, columns)
    if found.empty:
        empty = ", ".join(map(repr, found.empty))
        raise DatasetError(f"There are no photos in {empty} of {str(source)!r}. Put some there, or take it away.")
    has_splits = any(file.split for file in found.files)
    splits: dict[str, list[LabelledPhoto]] = {"train": []}
    for photo, split in zip(_photos(found), (file.split for file in found.files), strict=True):
        splits.setdefault(split or "train", []).append(photo)
    breeds = tuple(sorted({photo.breed for photo in splits["train"]}))
    if len(breeds) < 2:
        classes = "1 class" if len(breeds) == 1 else "no classes"
        raise DatasetError(
            f"{str(source)!r} holds {'training ' if has_splits else ''}photos of {classes}; training needs two. "
            "Put the photos of each class in a folder named after it."
        )
    for name in SPLITS[1:]:
        if name not in splits:
            splits["train"], splits[name] = _hold_out(splits["train"])
    strangers = {photo.breed for name in SPLITS[1:] for photo in splits[name]} - set(breeds)
    if strangers:
        raise DatasetError(
            f"No training photo shows {', '.join(sorted(strangers))}, but other splits have photos of it."
        )
    groups = {found.names[file.label]: plain_name(file.groups[-1]) for file in found.files if file.groups}
    return Dataset(breeds, {name: splits[name] for name in SPLITS}, groups, found.notes)


def read_labelled(source: Path, columns: Columns = ANY_COLUMNS) -> list[LabelledPhoto]:
    """Return all labelled photos of a source, whatever their split; raises `DatasetError` if there are none."""
    return _photos(read_source(source, columns))


def read_test_photos(source: Path, columns: Columns = ANY_COLUMNS) -> list[LabelledPhoto]:
    """Return the photos of a source's test split if it has one, else all; raises `DatasetError` if there are none."""
    found = read_source(source, columns)
    tests = [file for file in found.files if file.split == "test"]
    return _photos(replace(found, files=tests) if tests else found)


def _photos(found: LabelledFiles) -> list[LabelledPhoto]:
    return [LabelledPhoto(file.path, found.names[file.label]) for file in found.files]


def fingerprint(photos: Iterable[LabelledPhoto]) -> str:
    """Return a hash of the photos' contents and labels, whatever their order and their names."""
    lines = sorted(f"{photo.digest} {photo.breed}" for photo in photos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


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
