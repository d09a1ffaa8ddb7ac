"""JSON as TensorFlow Serving reads it, with RapidJSON 1.1: NaN and Infinity, any depth, the first value of a body.

Ordinary documents go through Python's reader, which is written in C. Documents that it refuses, or reads otherwise, go
through `rapidjson.Reader`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from local_server.errors import InvalidArgumentError
from local_server.rest_api.rapidjson import Reader, to_text

_OBJECT_START = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\n\r]*\{")

# Python reads half of a surrogate pair as a character, and numbers too big for a double as infinite. Such documents are
# told by their escapes, by three digits of an exponent, or by so many digits that fewer than three could be enough.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789E", b"000000000e")
_BIG_NUMBERS = (b"e000", b"e+000", b"0" * 200)


def parse(body: bytes) -> Any:
    """Return the first JSON value in a request's body; of equal names in an object, the first counts.

    Raises InvalidArgumentError with RapidJSON's message.
    """
    if not body:
        raise InvalidArgumentError("JSON Parse error: The document is empty")
    object_start = _OBJECT_START.match(body)
    if object_start and not _has_surrogate(body) and not _has_big_number(body):
        try:
            return _DECODER.raw_decode(to_text(body[object_start.end() - 1 :]))[0]
        except (ValueError, RecursionError):
            pass  # the other reader knows better, or says what is wrong
    return Reader(body).read()


def _has_surrogate(body: bytes) -> bool:
    return b"\\u" in body and bool(_SURROGATE.search(body))


def _has_big_number(body: bytes) -> bool:
    digits = body.translate(_DIGITS_TO_ZERO)
    return any(pattern in digits for pattern in _BIG_NUMBERS)


def _first_of_equal_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        for name, value in reversed(pairs):
            members[name] = value
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_first_of_equal_names)
