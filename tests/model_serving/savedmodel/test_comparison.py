"""Answers of a form beside those in fp32, and what keeps a version from having the form."""

import numpy as np
import pytest

from model_serving.savedmodel.comparison import NEAR, compare, reasons

FLOAT32 = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
OTHER = np.array([[0.8, 0.2], [0.4, 0.6], [0.0, 1.0]])


def test_compare_counts_as_it_says() -> None:
    """Three photos, of which the form names one otherwise, and moves the first probability by 0.1, 0.2 and 0.3."""
    accuracy = compare(FLOAT32, OTHER, np.array([0, 0, 1]))
    assert accuracy.photos == 3
    assert (accuracy.top1_float32, accuracy.top1, accuracy.agreement) == pytest.approx((1, 2 / 3, 2 / 3))
    assert accuracy.change == pytest.approx(0.2)


def test_compare_without_the_right_breeds_tells_no_accuracy() -> None:
    """Photos that nobody has labelled show only whether the answers are the same."""
    comparison = compare(FLOAT32, OTHER, None)
    assert comparison.figures() == {"photos": 3, "agreement": 0.6667, "change": 0.2}
    assert list(reasons(compare(FLOAT32, FLOAT32, None), NEAR)) == []


def test_reasons_are_given_for_what_is_no_number() -> None:
    """A form that answers with nothing that can be compared is not near by that."""
    nothing = np.full_like(FLOAT32, np.nan)
    assert "the first probability changes by nan, more than 0.020" in list(
        reasons(compare(FLOAT32, nothing, None), NEAR)
    )
