"""Measures an exported version on labelled photos: the graph that is served, not the network it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from model_serving.breeds import same_breed
from model_serving.data.batches import decoded_batches
from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import DatasetError
from model_serving.progress import progress
from model_serving.savedmodel.card import ModelCard
from model_serving.training.figures import Figures, measure


@dataclass(frozen=True)
class Evaluation:
    """The figures over all photos that count, and those that do not, each with the reason."""

    figures: Figures
    unknown: Counter[str]
    skipped: list[tuple[Path, str]]


def evaluate(version: Path, photos: Sequence[LabelledPhoto]) -> Evaluation:
    """Ask the exported `version` about every photo and compare with its label.

    A label that is none of the model's breeds in any spelling is counted in `unknown`; a photo that cannot be read is
    named in `skipped`. Raises `DatasetError` if nothing is left.
    """
    servable = SavedModelServable.load(version, SessionSettings())
    try:
        card = ModelCard.from_json(predict(servable, "describe", {})["model_card"][0])
        index = _indices(card, {photo.breed for photo in photos})
        unknown = Counter(photo.breed for photo in photos if photo.breed not in index)
        known = [photo for photo in photos if photo.breed in index]
        probabilities: list[np.ndarray] = []
        labels: list[int] = []
        skipped: list[tuple[Path, str]] = []
        label_of = {photo.path: index[photo.breed] for photo in known}
        with progress(len(known), "evaluate", "photo") as bar:
            for decoded in decoded_batches(list(label_of), card.geometry):
                sound = {path: pixels for path, pixels in decoded if isinstance(pixels, np.ndarray)}
                skipped += [(path, str(error)) for path, error in decoded if isinstance(error, Exception)]
                if sound:
                    outputs = predict(servable, "pixels", {"pixels": np.stack(list(sound.values()))})
                    probabilities.append(outputs["probabilities"])
                    labels += [label_of[path] for path in sound]
                bar.update(len(decoded))
    finally:
        servable.close()
    if not probabilities:
        raise DatasetError("None of these photos can be read and shows a breed that the model knows.")
    return Evaluation(measure(np.concatenate(probabilities), labels), unknown, skipped)


def _indices(card: ModelCard, breeds: Iterable[str]) -> dict[str, int]:
    """Return where each of `breeds`, in whatever spelling, stands among the model's; those it lacks are left out."""
    return {breed: i for breed in breeds for i, known in enumerate(card.breeds) if same_breed(known, breed)}
