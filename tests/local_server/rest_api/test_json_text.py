"""Text is written as TensorFlow Serving writes it."""

from __future__ import annotations

import numpy as np
import pytest

from local_server.rest_api.json_text import decimals, quoted, show


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
        (3.4028235e38, "3.40282347e+38"),
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


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ('a"\\/\n\x7fé', '"a\\"\\\\/\\n\x7fé"'),
        ("\x00\x1f\x0b", '"\\u0000\\u001F\\u000B"'),
        ("\\u001f", '"\\\\u001f"'),
        ("\\\x1f", '"\\\\\\u001F"'),
    ],
)
def test_quoted_text_has_rapidjsons_escapes(text, json):
    """Only quotes, backslashes and control characters are escaped, the latter with capital digits."""
    assert quoted(text) == json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, {}], "b": []}, '{\n    "a": [\n        1,\n        {}\n    ],\n    "b": []\n}'),
        ([True, None, "é"], '[\n    true,\n    null,\n    "é"\n]'),
        ([0.0, -1.5, 1e20, 1e21, 1e-6, 1e-7], "[\n    0.0,\n    -1.5,\n    100000000000000000000.0,\n    1e21,\n"
         "    0.000001,\n    1e-7\n]"),
        ([2**64], "[\n    18446744073709552000.0\n]"),
        ([1, float("nan"), 2], "[\n    1,\n    "),
        (0.1, "0.1"),
    ],
)  # fmt: skip
def test_show_value_has_rapidjsons_layout(value, text):
    """A quoted value is indented as RapidJSON's writer does it, which ends at a number that is not finite."""
    assert show(value) == text


@pytest.mark.parametrize("value", ["x" * 1_000_000, "é" * 1_000_000, list(range(1_000_000)), {"a" * 1000: 1}])
def test_show_large_value_is_cut(value):
    """No more than 256 bytes of what was sent are quoted."""
    assert 250 < len(show(value).encode()) <= 256


def test_show_deep_value_needs_no_recursion():
    """A value that is nested half a million times is quoted, too."""
    value: list = []
    for _ in range(500_000):
        value = [value]
    assert show(value).startswith("[\n    [\n        [")
