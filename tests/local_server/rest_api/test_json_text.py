"""Decimals are written as TensorFlow Serving writes them."""

from __future__ import annotations

import numpy as np
import pytest

from local_server.rest_api.json_text import decimals


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.2, "0.2"),
        (1, "1.0"),
        (-0.0, "-0.0"),
        (9_000_000, "9e+06"),
        (0.00003, "3e-05"),
        (1 / 3, "0.333333343"),
        (16_777_217, "16777216.0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_decimals_of_floats_have_six_digits_or_nine(number, text):
    """Six digits if they read back as the same float, else nine; a point in whole numbers."""
    assert decimals(np.float32([number])) == [text]


def test_decimals_of_doubles_have_up_to_seventeen_digits():
    """Doubles have 17 digits where six do not do."""
    assert decimals(np.float64([0.5, 1 / 3])) == ["0.5", "0.33333333333333331"]
