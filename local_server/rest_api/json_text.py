"""JSON as TensorFlow Serving reads and writes it: its parse errors, its names of types, its decimals.

Text is held as `str` in which bytes that are no UTF-8 are surrogate escapes, so that they come out as they went in.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from local_server.errors import InvalidArgumentError
from local_server.inference.tensors import Array

# How Python's parser begins its messages, and what RapidJSON says of the same fault.
_PARSE_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or {closing} after an {element}.",
    "Extra data": "The document root must not be followed by other values.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid control character": "Invalid encoding in string.",
    "Invalid \\u": "Incorrect hex digit after \\u escape in string.",
    "Invalid \\": "Invalid escape character in string.",
}
# Every escape: a whole surrogate pair, half of one (marked), or any other.
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]|(?P<half>\\u[dD][89a-fA-F])|\\.", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')

_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def to_text(raw: bytes) -> str:
    """Return bytes as text, whatever they hold."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Return the bytes that `to_text` came from."""
    return text.encode("utf-8", "surrogateescape")


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a request's body; NaN and Infinity are allowed."""
    text = to_text(body)
    if not text:
        raise InvalidArgumentError("JSON Parse error: The document is empty")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        offset = len(to_bytes(text[: error.pos]))
        raise InvalidArgumentError(f"JSON Parse error: {_explain(error, text)} at offset: {offset}") from error
    except ValueError as error:  # thousands of digits
        raise InvalidArgumentError("JSON Parse error: Number too big to be stored in double.") from error
    except RecursionError as error:
        raise InvalidArgumentError("JSON Parse error: The document is nested too deeply") from error
    half = next((match for match in _ESCAPE.finditer(text) if match["half"]), None)
    if half:  # Python lets it through, but it is no character
        offset = len(to_bytes(text[: half.start()]))
        raise InvalidArgumentError(f"JSON Parse error: The surrogate pair in string is invalid. at offset: {offset}")
    if not isinstance(document, dict):
        raise InvalidArgumentError(f"JSON Value: {show(document)} Is not object")
    return document


def show(value: Any) -> str:
    """Return a value as error messages quote it."""
    if isinstance(value, float):
        dtype = np.float32 if abs(value) < float(np.finfo(np.float32).max) else np.float64
        return decimals(np.array([value], dtype))[0]
    return json.dumps(value, indent=4, ensure_ascii=False)


def type_of(value: Any) -> str:
    """Return the name of a value's type in error messages."""
    return str(value) if isinstance(value, bool) else _TYPES[type(value)]


def decimals(values: Array) -> list[str]:
    """Return floating-point numbers as text: six digits if those read back as the same number, else all it takes."""
    numbers = values.tolist()
    texts = [f"{number:.6g}" for number in numbers]
    exact = np.array(list(map(float, texts)), np.float64).astype(values.dtype) == values
    precise = 9 if values.dtype == np.float32 else 17
    for index in np.flatnonzero(~exact):
        texts[index] = f"{numbers[index]:.{precise}g}"
    # Clients tell floats from integers by the point.
    return [text if "." in text or "e" in text else _NOT_FINITE.get(text, f"{text}.0") for text in texts]


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _explain(error: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "The document is empty."
    explanation = next((ours for theirs, ours in _PARSE_ERRORS.items() if error.msg.startswith(theirs)), error.msg)
    # Python does not tell whether the comma was missing in an object or in an array: count brackets outside strings.
    before = _STRING.sub("", text[: error.pos])
    in_array = before.count("[") > before.count("]") and before.rfind("[") > before.rfind("{")
    closing, element = ("]", "array element") if in_array else ("}", "object member")
    return explanation.format(closing=closing, element=element) if "{" in explanation else explanation
