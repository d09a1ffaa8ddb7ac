"""Metrics of answers: top-1 and top-5 accuracy with their intervals, and the calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_serving.photos.labels import TOP_K

CALIBRATION_BINS = 15
_95_PERCENT = 1.96  # standard deviations


@dataclass(frozen=True)
class Metrics:
    """Accuracies in 0..1 over a number of photos, each with the interval that holds the true one 95 times in 100.

    Top-5 counts answers with the right breed among their first five. `calibration_error` is the mean distance between
    the confidence of answers and the share of them that is right.
    """

    photos: int
    top1: float
    top5: float
    top1_interval: tuple[float, float]
    top5_interval: tuple[float, float]
    calibration_error: float

    def __str__(self) -> str:
        (low1, high1), (low5, high5) = self.top1_interval, self.top5_interval
        return (
            f"{self.photos} photos: top-1 {self.top1:.1%} ({low1:.1%} to {high1:.1%}), "
            f"top-5 {self.top5:.1%} ({low5:.1%} to {high5:.1%}), calibration error {self.calibration_error:.3f}"
        )


def measure(probabilities: np.ndarray, labels: npt.ArrayLike) -> Metrics:
    """Return the metrics of `probabilities` [N, breeds] against the right breeds' indices [N]; N must not be 0."""
    labels = np.asarray(labels)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP_K]
    hits = ranked == labels[:, np.newaxis]
    top1, top5 = float(hits[:, 0].mean()), float(hits.any(axis=1).mean())
    count = len(hits)
    intervals = wilson_interval(top1, count), wilson_interval(top5, count)
    return Metrics(count, top1, top5, *intervals, calibration_error(probabilities, labels))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error (Naeini et al. 2015) over 15 bins of equal width, 0..1."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float((confidence - right)[bins == index].sum())) for index in range(CALIBRATION_BINS)]
    return sum(gaps) / len(labels)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's score interval (1927) of a share seen in `count` trials, which holds for few trials as well."""
    square = _95_PERCENT**2
    centre = (share + square / (2 * count)) / (1 + square / count)
    spread = _95_PERCENT / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, float(centre - spread)), min(1.0, float(centre + spread))
