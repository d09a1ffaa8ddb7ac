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

    The head has learned from the validation photos too; `before_refit` is the head that has not. `held_out_logits`
    [N, breeds] for the training photos are by heads that have not seen them; None if these are too few.
    """

    head: Classifier
    before_refit: Classifier
    history: dict[str, list[float]]
    start: Classifier | None
    calibration: Calibration
    familiarity: Familiarity
    cross_validated: bool
    held_out_logits: np.ndarray | None

    @property
    def started_from(self) -> Literal["imagenet", "discriminants"]:
        """Name of the start, for the card."""
        return "imagenet" if self.start else "discriminants"

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities [N, breeds] of logits [N, breeds]."""
        return softmax(logits / self.calibration.temperature)


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
    before_refit, history = fit_head(train, valid, len(breeds), options, start)
    print(f"head fitted in {len(history['loss'])} epochs")
    held_out = held_out_logits(train, len(breeds), options, start)[0] if len(train[1]) >= FEWEST_PHOTOS else None
    if cross_validated := held_out is not None and len(valid[1]) < FEWEST_PHOTOS:
        unseen, logits, labels = train[0], held_out, train[1]
    else:
        unseen, logits, labels = valid[0], before_refit.logits(valid[0]), valid[1]
    calibration = calibrate(logits, labels, None if imagenet is None else dog_probabilities(imagenet, train[0]))
    familiarity = measure_familiarity(logits, unseen, imagenet, train[0])
    if calibration.error_before is not None:
        print(
            f"temperature {calibration.temperature:.2f}, by {calibration.photos} "
            f"{'cross-validated training' if cross_validated else 'validation'} photos: calibration error "
            f"{calibration.error_before:.3f} before, {calibration.error_after:.3f} after; "
            f"sure from {calibration.thresholds.sure:.0%} on"
        )
    head = before_refit
    if len(valid[1]):
        head = refit_head(train, valid, len(breeds), options, start, kept_epoch(history))
    return FittedHead(head, before_refit, history, start, calibration, familiarity, cross_validated, held_out)
