"""Omissions from a data set: photos that a person has looked at and does not want to learn from or be judged by."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from model_serving.data.dataset import Dataset, LabelledPhoto
from model_serving.data.files import read_file
from model_serving.data.spreadsheets import as_written
from model_serving.errors import DatasetError

FILE_COLUMN = "file"


def naming(source: Path) -> Callable[[Path], str]:
    """Return a function that names a photo of the data set `source`: relative to it where that says which it is."""
    folder = source if source.is_dir() else source.parent

    def name(photo: Path) -> str:
        return str(photo.relative_to(folder)) if photo.is_relative_to(folder) else str(photo)

    return name


def omit(dataset: Dataset, source: Path, listed: Path) -> tuple[Dataset, int]:
    """Leave out the photos that a CSV file names in its column `file`, and return the rest and how many were left out.

    They are named as the report's list of likely wrong labels names them. Raises `DatasetError` for a file of another
    form, for one that names none of the photos, and if a breed is left without training photos.
    """
    try:
        table = csv.DictReader(io.StringIO(read_file(listed).decode("utf-8-sig", "surrogateescape")))
        if FILE_COLUMN not in (table.fieldnames or ()):
            raise DatasetError(f"{str(listed)!r} has no column {FILE_COLUMN!r}. The report's list of labels has.")
        unwanted = {as_written(row[FILE_COLUMN]) for row in table if row[FILE_COLUMN]}
    except (OSError, csv.Error) as error:
        raise DatasetError(f"{str(listed)!r} cannot be read: {error}.") from error
    name = naming(source)

    def is_wanted(photo: LabelledPhoto) -> bool:
        return unwanted.isdisjoint((name(photo.path), str(photo.path)))

    splits = {split: list(filter(is_wanted, photos)) for split, photos in dataset.splits.items()}
    omitted = sum(map(len, dataset.splits.values())) - sum(map(len, splits.values()))
    if unwanted and not omitted:
        raise DatasetError(
            f"{str(listed)!r} names none of the photos of {str(source)!r}, such as {min(unwanted)!r}. "
            "It belongs to another data set."
        )
    if emptied := sorted(set(dataset.breeds) - {photo.breed for photo in splits["train"]}):
        raise DatasetError(f"{str(listed)!r} leaves no training photo of {', '.join(emptied)}. Keep some of each.")
    return replace(dataset, splits=splits), omitted
