"""Fitting of a head to labelled features, with the calibration of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model_serving.backbones import Backbone, Classifier
from model_serving.savedmodel.card import Familiarity
from model_serving.training.calibration import (
    FEWEST_PHOTOS,
    Calibration,
    calibrate,
    dog_probabilities,
    measure_familiarity,
    softmax,
)
from model_serving.training.head import Labelled, fit_head, held_out_logits, imagenet_start, kept_epoch, refit_head
from model_serving.training.head_options import HeadOptions


@dataclass(frozen=True)
class FittedHead:
    """A head with its history by epoch, its start, the calibration of its answers, and their familiarity.

    The head has learned from the validation photos too; `valid_probabilities` [N, breeds] for these are by the head
    before that.
    """

    head: Classifier
    history: dict[str, list[float]]
    started_from: Literal["imagenet", "zeros"]
    calibration: Calibration
    familiarity: Familiarity
    cross_validated: bool
    valid_probabilities: np.ndarray

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities [N, breeds] of features [N, features]."""
        return softmax(self.head.logits(values) / self.calibration.temperature)


def fit(
    labelled: Mapping[str, Labelled], breeds: Sequence[str], backbone: Backbone, options: HeadOptions
) -> FittedHead:
    """Fit and calibrate a head on the splits `train` and `valid`; print the epochs and the calibration error.

    With too few validation photos, which would decide by chance, the calibration is cross-validated on the training
    photos, each judged by a head that has not seen it. Once epoch and temperature are known, the validation photos are
    learned from as well.
    """
    train, valid, imagenet = labelled["train"], labelled["valid"], backbone.imagenet
    start = imagenet_start(imagenet, breeds) if imagenet and options.start == "imagenet" else None
    head, history = fit_head(train, valid, len(breeds), options, start)
    print(f"head fitted in {len(history['loss'])} epochs")
    valid_logits = head.logits(valid[0])
    cross_validated = len(valid[1]) < FEWEST_PHOTOS <= len(train[1])
    if cross_validated:
        unseen = train[0]
        logits, labels = held_out_logits(train, len(breeds), options, start)
    else:
        unseen, logits, labels = valid[0], valid_logits, valid[1]
    calibration = calibrate(logits, labels, None if imagenet is None else dog_probabilities(imagenet, train[0]))
    familiarity = measure_familiarity(logits, unseen, imagenet, train[0])
    valid_probabilities = softmax(valid_logits / calibration.temperature)
    if calibration.error_before is not None:
        print(
            f"temperature {calibration.temperature:.2f}, by {calibration.photos} "
            f"{'cross-validated training' if cross_validated else 'validation'} photos: calibration error "
            f"{calibration.error_before:.3f} before, {calibration.error_after:.3f} after; "
            f"sure from {calibration.thresholds.sure:.0%} on"
        )
    if imagenet is not None and not calibration.detects_dogs:
        print("these photos do not look like dogs: the model will not say what is a dog and what is not")
    if len(valid[1]):
        head = refit_head(train, valid, len(breeds), options, start, kept_epoch(history))
    started_from: Literal["imagenet", "zeros"] = "imagenet" if start else "zeros"
    return FittedHead(head, history, started_from, calibration, familiarity, cross_validated, valid_probabilities)
