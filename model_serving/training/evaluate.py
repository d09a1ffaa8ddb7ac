"""Evaluation of an exported version on labelled photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import DatasetError
from model_serving.metrics import Metrics, measure
from model_serving.photos.labels import class_meant
from model_serving.progress import progress
from model_serving.savedmodel.exported_model import ExportedModel


@dataclass(frozen=True)
class Evaluation:
    """Metrics over the photos that count, the labels that the model lacks, and the skipped photos with the reason."""

    metrics: Metrics
    unknown: Counter[str]
    skipped: list[tuple[Path, str]]


def evaluate(version: Path, photos: Sequence[LabelledPhoto]) -> Evaluation:
    """Ask the exported `version` about every photo and compare with its label.

    A label that is none of the model's breeds in any spelling is counted in `unknown`; a photo that cannot be read is
    named in `skipped`. Raises `DatasetError` if nothing is left.
    """
    with ExportedModel(version) as model:
        index = _indices(model.card.breeds, {photo.breed for photo in photos})
        unknown = Counter(photo.breed for photo in photos if photo.breed not in index)
        label_of = {photo.path: index[photo.breed] for photo in photos if photo.breed in index}
        probabilities: list[np.ndarray] = []
        labels: list[int] = []
        skipped: list[tuple[Path, str]] = []
        with progress(len(label_of), "evaluate", "photo") as bar:
            for decoded in decoded_batches(list(label_of), model.card.geometry):
                results = map_decoded(decoded, lambda pixels: model.ask(pixels)["probabilities"])
                for path, result in results:
                    if isinstance(result, Exception):
                        skipped.append((path, str(result)))
                    else:
                        probabilities.append(result)
                        labels.append(label_of[path])
                bar.update(len(decoded))
    if not probabilities:
        raise DatasetError("None of these photos can be read and shows a breed that the model knows.")
    return Evaluation(measure(np.stack(probabilities), labels), unknown, skipped)


def _indices(classes: Sequence[str], labels: Iterable[str]) -> dict[str, int]:
    """Return the index of each of `labels`, in any spelling, among the model's classes; those it lacks are left out."""
    return {label: classes.index(known) for label in labels if (known := class_meant(label, classes))}
