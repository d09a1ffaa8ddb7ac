"""Accuracy, its intervals, and calibration."""

import numpy as np
import pytest

from model_serving.metrics import calibration_error, measure


def test_measure_counts_first_and_first_five() -> None:
    """Of four answers one is right at once, two more among the first five, one not at all."""
    probabilities = np.tile(np.arange(10, 0, -1.0), (4, 1)) / 55
    figures = measure(probabilities, [0, 1, 4, 5])
    assert (figures.photos, figures.top1, figures.top5) == (4, 0.25, 0.75)


@pytest.mark.parametrize(
    ("right", "photos", "low", "high"),
    # Computed with statsmodels' proportion_confint(method="wilson").
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_measure_gives_wilsons_interval(right: int, photos: int, low: float, high: float) -> None:
    """The interval agrees with the published one, also where everything or nothing is right."""
    labels = np.r_[np.zeros(right, int), np.ones(photos - right, int)]
    figures = measure(np.tile([0.9, 0.1], (photos, 1)), labels)
    assert figures.top1_interval == pytest.approx((low, high), abs=1e-4)


def test_calibration_error_is_the_gap_between_saying_and_being() -> None:
    """Answers given with 90 % of which 70 % are right are 0.2 off; with 70 % they are not off at all."""
    labels = np.r_[np.zeros(7, int), np.ones(3, int)]
    assert calibration_error(np.tile([0.9, 0.1], (10, 1)), labels) == pytest.approx(0.2)
    assert calibration_error(np.tile([0.7, 0.3], (10, 1)), labels) == pytest.approx(0)
