"""Evaluation of an exported version on labelled photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import DatasetError
from model_serving.metrics import Metrics, measure
from model_serving.photos.labels import class_meant
from model_serving.progress import progress
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.exported_model import ExportedModel

T = TypeVar("T")


@dataclass(frozen=True)
class Evaluation:
    """Metrics over the photos that count, the labels that the model lacks, and the skipped photos with the reason."""

    metrics: Metrics
    unknown: Counter[str]
    skipped: list[tuple[Path, str]]


@dataclass(frozen=True)
class LabelledAnswers(Generic[T]):
    """A model's answers to photos, each with its file and the index of its breed; the rest is as in `Evaluation`."""

    values: list[T]
    paths: list[Path]
    labels: np.ndarray
    unknown: Counter[str]
    skipped: list[tuple[Path, str]]


def evaluate(version: Path, photos: Sequence[LabelledPhoto], tags: tuple[str, ...] | None = None) -> Evaluation:
    """Ask the exported `version` about every photo and compare with its label.

    A label that is none of the model's breeds in any spelling is counted in `unknown`; a photo that cannot be read is
    named in `skipped`. `tags` are those of the graph to ask, by default of the one that
    answers here. Raises `DatasetError` if nothing is left.
    """
    with ExportedModel(version, tags=tags) as model:
        answers = answer_labelled(model.card, photos, lambda pixels: model.ask(pixels)["probabilities"], "evaluate")
    return Evaluation(measure(np.stack(answers.values), answers.labels), answers.unknown, answers.skipped)


def answer_labelled(
    card: ModelCard, photos: Sequence[LabelledPhoto], ask: Callable[[np.ndarray], Iterable[T]], what: str
) -> LabelledAnswers[T]:
    """Return what `ask` makes of the pixels of each photo whose breed the model knows, and its breed's index.

    Shows a progress line titled `what`. Raises `DatasetError` if there is no such photo that can be read.
    """
    index = _indices(card.breeds, {photo.breed for photo in photos})
    unknown = Counter(photo.breed for photo in photos if photo.breed not in index)
    label_of = {photo.path: index[photo.breed] for photo in photos if photo.breed in index}
    values: list[T] = []
    paths: list[Path] = []
    labels: list[int] = []
    skipped: list[tuple[Path, str]] = []
    with progress(len(label_of), what, "photo") as bar:
        for decoded in decoded_batches(list(label_of), card.geometry):
            for path, result in map_decoded(decoded, ask):
                if isinstance(result, Exception):
                    skipped.append((path, str(result)))
                else:
                    values.append(result)
                    paths.append(path)
                    labels.append(label_of[path])
            bar.update(len(decoded))
    if not values:
        raise DatasetError("None of these photos can be read and shows what the model knows.")
    return LabelledAnswers(values, paths, np.array(labels), unknown, skipped)


def _indices(classes: Sequence[str], labels: Iterable[str]) -> dict[str, int]:
    """Return the index of each of `labels`, in any spelling, among the model's classes; those it lacks are left out."""
    return {label: classes.index(known) for label in labels if (known := class_meant(label, classes))}
