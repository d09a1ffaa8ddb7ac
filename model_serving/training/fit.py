"""Fitting of a head to labelled features, with the calibration of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model_serving.backbones import Backbone, Classifier
from model_serving.training.calibration import FEWEST_PHOTOS, Calibration, calibrate, softmax
from model_serving.training.head import fit_head, held_out_logits, imagenet_start
from model_serving.training.head_options import HeadOptions

# Features float32 [N, features] of photos, and the indices of their breeds, int [N].
Labelled = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FittedHead:
    """A head with its history by epoch, its start, and the calibration of its answers."""

    head: Classifier
    history: dict[str, list[float]]
    started_from: Literal["imagenet", "zeros"]
    calibration: Calibration
    cross_validated: bool

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities [N, breeds] of features [N, features]."""
        return softmax((values @ self.head.kernel + self.head.bias) / self.calibration.temperature)


def fit(
    labelled: Mapping[str, Labelled], breeds: Sequence[str], backbone: Backbone, options: HeadOptions
) -> FittedHead:
    """Fit and calibrate a head on the splits `train` and `valid`; print the epochs and the calibration error.

    With too few validation photos, which would decide by chance, the calibration is cross-validated on the training
    photos, each judged by a head that has not seen it.
    """
    train, valid = labelled["train"], labelled["valid"]
    start = None
    if backbone.imagenet and options.start == "imagenet":
        start = imagenet_start(backbone.imagenet, breeds)
    head, history = fit_head(train, valid, len(breeds), options, start)
    print(f"head fitted in {len(history['loss'])} epochs")
    cross_validated = len(valid[1]) < FEWEST_PHOTOS <= len(train[1])
    if cross_validated:
        logits, labels = held_out_logits(train, len(breeds), options, start)
    else:
        logits, labels = valid[0] @ head.kernel + head.bias, valid[1]
    calibration = calibrate(logits, labels, backbone.imagenet, train[0])
    if calibration.error_before is not None:
        print(
            f"temperature {calibration.temperature:.2f}, by {calibration.photos} "
            f"{'cross-validated training' if cross_validated else 'validation'} photos: calibration error "
            f"{calibration.error_before:.3f} before, {calibration.error_after:.3f} after; "
            f"sure from {calibration.thresholds.sure:.0%} on"
        )
    if backbone.imagenet is not None and not calibration.detects_dogs:
        print("these photos do not look like dogs: the model will not say what is a dog and what is not")
    return FittedHead(head, history, "imagenet" if start else "zeros", calibration, cross_validated)
