"""Additions to the training photos of a data set, such as the photos that people sent as feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model_serving.data.dataset import Dataset, LabelledPhoto, read_labelled
from model_serving.data.inspection import SAME_PICTURE, likeness, thumbnails_or_reasons
from model_serving.errors import DatasetError
from model_serving.photos.labels import class_meant


@dataclass(frozen=True)
class Additions:
    """Numbers of photos added, and left out as the validation or test photos show them already."""

    added: int = 0
    left_out: int = 0

    def __str__(self) -> str:
        return f"{self.added} more training photos; {self.left_out} left out that are in valid or test"


def add_photos(dataset: Dataset, folders: Sequence[Path]) -> tuple[Dataset, Additions]:
    """Add the labelled photos of each of `folders` to the training photos, and to no others.

    What people choose to send is no fair sample, so nothing is measured on it; and a picture that something is measured
    on is not learned from. Raises `DatasetError` for a folder without photos, or of a breed that `dataset` has not.
    """
    more = [photo for folder in folders for photo in _read_known(folder, dataset.breeds)]
    held_out = [photo for name, photos in dataset.splits.items() if name != "train" for photo in photos]
    fresh = _without_pictures_of(held_out, more) if held_out and more else more
    splits = dataset.splits | {"train": dataset.splits["train"] + fresh}
    return replace(dataset, splits=splits), Additions(len(fresh), len(more) - len(fresh))


def _read_known(folder: Path, breeds: Sequence[str]) -> list[LabelledPhoto]:
    photos = read_labelled(folder)
    class_of = {label: class_meant(label, breeds) for label in {photo.breed for photo in photos}}
    strangers = sorted(label for label, known in class_of.items() if known is None)
    if strangers:
        raise DatasetError(
            f"{str(folder)!r} has photos of {', '.join(strangers)}, which the training photos have not. "
            "Add photos of each to those, or take its folder away."
        )
    return [LabelledPhoto(photo.path, class_of[photo.breed] or photo.breed) for photo in photos]


def _without_pictures_of(others: Sequence[LabelledPhoto], photos: Sequence[LabelledPhoto]) -> list[LabelledPhoto]:
    """Return the photos that show no picture of `others`; one that cannot be read stays, for the trainer to name."""
    known = [one for one in thumbnails_or_reasons(others, "compare") if isinstance(one, np.ndarray)]
    if not known:
        return list(photos)
    table = np.stack(known)
    return [
        photo
        for photo, one in zip(photos, thumbnails_or_reasons(photos, "compare"), strict=True)
        if isinstance(one, str) or likeness(one[np.newaxis], table).max() < SAME_PICTURE
    ]
