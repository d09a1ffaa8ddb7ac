"""Calibration of an exported version on labelled photos that it has not learned from, as a version of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import CalibrationError
from model_serving.metrics import Metrics, measure
from model_serving.savedmodel.card import Familiarity, ModelCard
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.familiarity import familiarity_score, score_quantiles
from model_serving.savedmodel.graph import DOG_PROBABILITY, LOGITS, SHOWN_SHARE
from model_serving.savedmodel.on_device_gate import JudgingPhotos
from model_serving.savedmodel.recalibration import require_recalibratable, write_recalibrated
from model_serving.savedmodel.versions import latest_version
from model_serving.training.calibration import FEWEST_PHOTOS, calibrate, softmax
from model_serving.training.evaluate import LabelledAnswers, answer_labelled

# What the graph computes of a photo: logits [classes], dog probability, share of ImageNet's shown classes.
Evidence = tuple[np.ndarray, float, float]


@dataclass(frozen=True)
class RecalibratedVersion:
    """The new version's folder and card, its metrics on the photos before and after, and the answers to them."""

    path: Path
    card: ModelCard
    before: Metrics
    after: Metrics
    answers: LabelledAnswers[Evidence]


def recalibrate(model: Path, version: Path, photos: Sequence[LabelledPhoto], source: str) -> RecalibratedVersion:
    """Fit temperature, thresholds and familiarity of `version` to `photos`, and write it so as the next of `model`.

    The answers stay what they are. The card keeps `source`: a name of the photos. The new version is live if the old
    one was, and else lies on the shelf. Raises `CalibrationError` or `DatasetError`.
    """
    require_recalibratable(version)
    with ExportedModel(version) as exported:
        card = exported.card

        def ask(pixels: np.ndarray) -> list[Evidence]:
            tensors = exported.tensors(pixels, (LOGITS, DOG_PROBABILITY, SHOWN_SHARE))
            return list(zip(*tensors.values(), strict=True))

        answers = answer_labelled(card, photos, ask, "calibrate")
    logits, dogs, shares = (np.stack(values) for values in zip(*answers.values, strict=True))
    if len(logits) < FEWEST_PHOTOS:
        raise CalibrationError(
            f"{len(logits)} photos are too few to calibrate by; it takes {FEWEST_PHOTOS} that can be read and show "
            "what the model knows."
        )
    new = _recalibrated_card(card, logits, answers.labels, dogs, shares, source)
    unseen = JudgingPhotos(answers.paths, source, answers.labels)
    is_live = version.resolve() == latest_version(model).resolve()
    path = write_recalibrated(model, version, new, photos=unseen, shelved=not is_live)
    before, after = (measure(softmax(logits / one.temperature), answers.labels) for one in (card, new))
    return RecalibratedVersion(path, new, before, after, answers)


def _recalibrated_card(
    card: ModelCard, logits: np.ndarray, labels: np.ndarray, dogs: np.ndarray, shares: np.ndarray, source: str
) -> ModelCard:
    calibration = calibrate(logits, labels, dogs if card.detects_dogs else None)
    scores = familiarity_score(logits, calibration.temperature, tf.constant(shares), card.head).numpy()
    return replace(
        card,
        temperature=calibration.temperature,
        # `found` belongs to the graph, which stays.
        thresholds=replace(calibration.thresholds, familiar=card.thresholds.familiar, found=card.thresholds.found),
        familiarity=Familiarity(score_quantiles(scores), card.familiarity.shown_classes),
        calibration=calibration.for_card(source),
    )
