"""Measures an exported version on labelled photos: the graph that is served, not the network it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.breeds import same_breed
from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import DatasetError
from model_serving.photos import Geometry, PhotoError, read_pixels
from model_serving.progress import progress
from model_serving.savedmodel.card import ModelCard
from model_serving.server.inference.predict import predict
from model_serving.server.inference.servable import Servable, SessionSettings
from model_serving.training.figures import Figures, accuracy


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
    servable = Servable.load(version, SessionSettings())
    try:
        card = ModelCard.from_json(predict(servable, "describe", {})["model_card"][0])
        index = _indices(card, {photo.breed for photo in photos})
        unknown = Counter(photo.breed for photo in photos if photo.breed not in index)
        known = [photo for photo in photos if photo.breed in index]
        probabilities, labels, skipped = [], [], []
        with progress(len(known), "evaluate", "photo") as bar:
            for photo in known:
                bar.update()
                try:
                    pixels = read_pixels(photo.path.read_bytes(), Geometry(card.input_size, card.crop))
                except (PhotoError, OSError) as error:
                    skipped.append((photo.path, str(error)))
                    continue
                outputs = predict(servable, "pixels", {"pixels": np.asarray(pixels)[np.newaxis]})
                probabilities.append(outputs["probabilities"])
                labels.append(index[photo.breed])
    finally:
        servable.close()
    if not probabilities:
        raise DatasetError("None of these photos can be read and shows a breed that the model knows.")
    return Evaluation(accuracy(np.concatenate(probabilities), labels), unknown, skipped)


def _indices(card: ModelCard, breeds: Iterable[str]) -> dict[str, int]:
    """Return where each of `breeds`, in whatever spelling, stands among the model's; those it lacks are left out."""
    return {breed: i for breed in breeds for i, known in enumerate(card.breeds) if same_breed(known, breed)}
