"""JSON as TensorFlow Serving writes it: strings, decimals, and values quoted in error messages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from local_server.errors import MAX_QUOTED_BYTES, quote
from local_server.inference.tensors import Array
from local_server.rest_api.rapidjson import is_double

_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

# RapidJSON writes these with capital digits, Python with small ones.
_CONTROL = re.compile(r"\\*\\u00[01][a-f]")
_INDENT = 4


def quoted(text: str) -> str:
    """Return a string as JSON."""
    return _CONTROL.sub(_with_capital_digit, json.dumps(text, ensure_ascii=False))


def _with_capital_digit(escape: re.Match[str]) -> str:
    is_escape = escape[0].count("\\") % 2  # an even number of backslashes escape each other
    return escape[0][:-1] + escape[0][-1].upper() if is_escape else escape[0]


def show(value: Any) -> str:
    """Return a value as error messages quote it: indented, and cut."""
    if is_double(value):
        dtype = np.float32 if abs(value) < float(np.finfo(np.float32).max) else np.float64
        return decimals(np.array([value], dtype))[0]
    parts: list[str] = []
    length = 0
    for part in _parts(value):
        parts.append(part)
        length += len(part)
        if length > MAX_QUOTED_BYTES:
            break
    return quote("".join(parts))


def type_of(value: Any) -> str:
    """Return the name of a value's type in error messages."""
    return str(value) if isinstance(value, bool) else _TYPES[type(value)]


def decimals(values: Array) -> list[str]:
    """Return floating-point numbers as text: six digits if those read back as the same number, else all it takes."""
    numbers = values.tolist()
    texts = [f"{number:.6g}" for number in numbers]
    with np.errstate(over="ignore"):  # six digits may round up beyond the largest float
        exact = np.array(list(map(float, texts)), np.float64).astype(values.dtype) == values
    precise = 9 if values.dtype == np.float32 else 17
    for index in np.flatnonzero(~exact):
        texts[index] = f"{numbers[index]:.{precise}g}"
    # Clients tell floats from integers by the point.
    return [text if "." in text or "e" in text else _NOT_FINITE.get(text, f"{text}.0") for text in texts]


def _parts(value: Any) -> Iterator[str]:
    """Yield a value's text in small parts, as RapidJSON's writer does: it ends at a number that is not finite."""
    left = [iter([("", value)])]  # the members left of each open container
    closings = [""]
    while left:
        lead, value = next(left[-1], (None, None))
        if lead is None:
            left.pop()
            yield closings.pop()
            continue
        yield lead
        if isinstance(value, (list, dict)) and value:
            opening, closing = "{}" if isinstance(value, dict) else "[]"
            yield opening
            closings.append(f"\n{' ' * _INDENT * (len(left) - 1)}{closing}")
            left.append(_members(value, f"\n{' ' * _INDENT * len(left)}"))
        elif not is_double(value):
            yield quoted(value) if isinstance(value, str) else json.dumps(value)
        elif math.isfinite(value):
            yield _double(value)
        else:
            return


def _members(container: list[Any] | dict[str, Any], indent: str) -> Iterator[tuple[str, Any]]:
    """Yield each member's value with the text before it."""
    comma = ""
    named = container.items() if isinstance(container, dict) else ((None, value) for value in container)
    for name, value in named:
        yield f"{comma}{indent}" if name is None else f"{comma}{indent}{quoted(name)}: ", value
        comma = ","


def _double(value: float) -> str:
    """Return a number within a quoted value: the shortest digits, an exponent only below 1e-6 and from 1e21 on."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, _, exponent = f"{Decimal(repr(abs(float(value)))):e}".partition("e")
    digits = mantissa.replace(".", "").rstrip("0") or "0"
    point = int(exponent) + 1 if value else 1
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1}"
