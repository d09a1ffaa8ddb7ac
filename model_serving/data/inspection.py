"""Inspection of a data set before hours are spent on it: its size, broken photos, and pictures in two places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from model_serving.data.dataset import Dataset, LabelledPhoto
from model_serving.data.files import read_file
from model_serving.photos import Geometry, PhotoError
from model_serving.photos.pool import shared_pool
from model_serving.progress import progress
from model_serving.subject import Subject

# Two photos show the same picture if their thumbnails of 12 x 12 pixels, less their mean, correlate so well, or one
# with the other's mirror image. Of 193 real photos saved again at other sizes and qualities, mirrored or not, all
# reached 0.96, and of those cropped by 6 % nine in ten reached 0.95; of 7,417 photos of dogs the nearest two that are
# not one picture stayed at 0.94.
THUMBNAIL = 12
SAME_PICTURE = 0.95
# No more of a photo than this is needed, so that a JPEG is decoded at a fraction of its size.
_GEOMETRY = Geometry(size=64, crop=1.0)
# Rows compared at once with all others: 8,000 photos take 8 MB of correlations.
_ROWS = 256
# A class with fewer training photos than this is named.
FEW = 10


@dataclass(frozen=True)
class Twins:
    """Two photos that show the same picture, or nearly, and the splits they are in."""

    first: LabelledPhoto
    second: LabelledPhoto
    splits: tuple[str, str]


@dataclass(frozen=True)
class Inspection:
    """Findings on a data set; `counts` are photos by split and breed, `broken` gives each photo's reason.

    `leaks` are twins in different splits: they inflate the accuracy. `conflicts` are twins under different breeds.
    """

    counts: dict[str, Counter[str]]
    broken: list[tuple[Path, str]]
    leaks: list[Twins]
    conflicts: list[Twins]

    def __str__(self) -> str:
        train = self.counts["train"]
        (most, largest), (fewest, smallest) = train.most_common()[0], train.most_common()[-1]
        words = Subject.of_classes(train)
        lines = [
            *(
                f"{split}: {counts.total()} photos of {words.count(len(counts))}"
                for split, counts in self.counts.items()
            ),
            f"training photos a {words.kind}: {smallest} ({fewest}) to {largest} ({most})",
            *(f"few photos: {breed} ({count})" for breed, count in sorted(train.items()) if count < FEW),
            *(f"broken: {path}: {reason}" for path, reason in self.broken),
            *(f"same picture in {twins.splits[0]} and {twins.splits[1]}: {_pair(twins)}" for twins in self.leaks),
            *(f"same picture, two {words.kinds}: {_pair(twins)}" for twins in self.conflicts),
            f"{len(self.broken)} broken, {len(self.leaks)} in two splits, "
            f"{len(self.conflicts)} under two {words.kinds}",
        ]
        return "\n".join(lines)


def inspect(dataset: Dataset) -> Inspection:
    """Read every photo of `dataset` and return what a person should know before training, with a progress line."""
    photos = [(split, photo) for split, members in dataset.splits.items() for photo in members]
    results = thumbnails_or_reasons([photo for _, photo in photos], "inspect")
    sound = {index: result for index, result in enumerate(results) if isinstance(result, np.ndarray)}
    twins = [
        Twins(photos[first][1], photos[second][1], (photos[first][0], photos[second][0]))
        for first, second in _same_pictures(sound)
    ]
    return Inspection(
        {split: Counter(photo.breed for photo in members) for split, members in dataset.splits.items()},
        [(photos[index][1].path, result) for index, result in enumerate(results) if isinstance(result, str)],
        [pair for pair in twins if pair.splits[0] != pair.splits[1]],
        [pair for pair in twins if pair.first.breed != pair.second.breed],
    )


def thumbnails_or_reasons(photos: Sequence[LabelledPhoto], label: str) -> list[np.ndarray | str]:
    """Return for each photo a vector that `likeness` compares with others, or why it cannot be read."""
    results = []
    with ThreadPoolExecutor(shared_pool().places) as pool, progress(len(photos), label, "photo") as bar:
        for result in pool.map(_thumbnail_or_reason, photos):
            results.append(result)
            bar.update()
    return results


def likeness(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how well each of `some` [n, values] or its mirror image correlates with each of `others` [m, values]."""
    mirrored = some.reshape(-1, THUMBNAIL, THUMBNAIL, 3)[:, :, ::-1].reshape(some.shape)
    return np.maximum(some @ others.T, mirrored @ others.T)


def _thumbnail_or_reason(photo: LabelledPhoto) -> np.ndarray | str:
    try:
        image = shared_pool().read_pixels(read_file(photo.path), _GEOMETRY).image()
    except (PhotoError, OSError) as error:
        return str(error)
    pixels = np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), np.float32)
    vector = (pixels - pixels.mean()).reshape(-1)
    return vector / max(float(np.linalg.norm(vector)), 1.0)


def _same_pictures(thumbnails: Mapping[int, np.ndarray]) -> Iterator[tuple[int, int]]:
    """Yield each key whose thumbnail shows an earlier one's picture, behind the earliest such key.

    A picture that thousands of files show gives thousands of pairs, not millions.
    """
    if not thumbnails:
        return
    keys, table = list(thumbnails), np.stack(list(thumbnails.values()))
    for start in range(0, len(table), _ROWS):
        stop = min(start + _ROWS, len(table))
        alike = likeness(table[start:stop], table[:stop]) >= SAME_PICTURE
        earliest = alike.argmax(axis=1)
        for row in np.flatnonzero(alike.any(axis=1) & (earliest < np.arange(start, stop))):
            yield keys[earliest[row]], keys[start + row]


def _pair(twins: Twins) -> str:
    return f"{twins.first.path} and {twins.second.path}"
