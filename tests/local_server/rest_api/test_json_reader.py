"""JSON is read as RapidJSON 1.1 reads it, which TensorFlow Serving uses. The expectations are RapidJSON's answers."""

from __future__ import annotations

import json
import math
import random

import pytest

from local_server.errors import InvalidArgumentError
from local_server.rest_api.json_reader import parse
from local_server.rest_api.rapidjson import to_bytes


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Missing a name for object member. at offset: 1"),
        (b'{"a', "Missing a closing quotation mark in string. at offset: 3"),
        (b'{"a"', "Missing a colon after a name of object member. at offset: 4"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a":', "Invalid value. at offset: 5"),
        (b'{"a":1', "Missing a comma or '}' after an object member. at offset: 6"),
        (b'{"a":1,}', "Missing a name for object member. at offset: 7"),
        (b'{"a":1 "b":2}', "Missing a comma or '}' after an object member. at offset: 7"),
        (b"{1}", "Missing a name for object member. at offset: 1"),
        (b"{'a': 1}", "Missing a name for object member. at offset: 1"),
        (b"[", "Invalid value. at offset: 1"),
        (b"[1", "Missing a comma or ']' after an array element. at offset: 2"),
        (b"[1 2]", "Missing a comma or ']' after an array element. at offset: 3"),
        (b"[1,]", "Invalid value. at offset: 3"),
        (b"[01]", "Missing a comma or ']' after an array element. at offset: 2"),
        (b"[1.]", "Miss fraction part in number. at offset: 3"),
        (b"[1e]", "Miss exponent in number. at offset: 3"),
        (b"[-]", "Invalid value. at offset: 2"),
        (b"[.5]", "Invalid value. at offset: 1"),
        (b"[+1]", "Invalid value. at offset: 1"),
        (b"[1e309]", "Number too big to be stored in double. at offset: 1"),
        (b"[0e309]", "Number too big to be stored in double. at offset: 1"),
        (b"[" + b"9" * 310 + b"]", "Number too big to be stored in double. at offset: 1"),
        (b'["\\x"]', "Invalid escape character in string. at offset: 2"),
        (b'["\\u12g4"]', "Incorrect hex digit after \\u escape in string. at offset: 2"),
        (b'["\\ud800"]', "The surrogate pair in string is invalid. at offset: 2"),
        (b'["\\ud800\\u0041"]', "The surrogate pair in string is invalid. at offset: 2"),
        (b'["a\tb"]', "Invalid escape character in string. at offset: 3"),
        (b'["a\x00"]', "Missing a closing quotation mark in string. at offset: 3"),
        (b"[tru]", "Invalid value. at offset: 4"),
        (b"[nulL]", "Invalid value. at offset: 4"),
        (b"[Na]", "Invalid value. at offset: 3"),
        (b"[Infini]", "Invalid value. at offset: 7"),
        (b"]", "The document is empty. at offset: 0"),
        (b"   ", "The document is empty. at offset: 3"),
        (b"\x00", "The document is empty. at offset: 0"),
        (b'{"\xc3\xa9": x}', "Invalid value. at offset: 7"),
        (b'\xef\xbb\xbf{"a" 1}', "Missing a colon after a name of object member. at offset: 8"),
        (b'{"a": [1] // comment\n}', "Missing a comma or '}' after an object member. at offset: 10"),
    ],
)
def test_parse_wrong_document_is_refused_with_reason_and_offset(body, message):
    """Each syntax error has RapidJSON's words, and its place in bytes."""
    with pytest.raises(InvalidArgumentError) as error:
        parse(body)
    assert error.value.message == f"JSON Parse error: {message}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1} and more', {"a": 1}),
        (b'{"a": 1}}', {"a": 1}),
        (b'\xef\xbb\xbf {"a": 1}', {"a": 1}),
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 1, "b": 2}),
        (b"[Infinity, -Infinity, Inf, -Inf]", [math.inf, -math.inf, math.inf, -math.inf]),
        (b"[-0, 12, -12, 18446744073709551615, -9223372036854775808]", [0, 12, -12, 2**64 - 1, -(2**63)]),
        (b"[18446744073709551616, -9223372036854775809]", [float(2**64), -float(2**63)]),
        (b"[0.1, 1E+2, 1e-400, 12e308]", [0.1, 100.0, 0.0, math.inf]),
        (b'["\\ud83d\\ude00\\u00e9\\/\\b\\u0000"]', ["\U0001f600\xe9/\b\0"]),
        (b'{"a": {"a": [[], {}, "", true, false, null]}}', {"a": {"a": [[], {}, "", True, False, None]}}),
    ],
)
def test_parse_document_returns_its_first_value(body, value):
    """A byte order mark, data after the document, equal names and numbers of any size are no errors."""
    read = parse(body)
    assert read == value
    assert repr(read) == repr(value)  # 1 and 1.0 are equal


@pytest.mark.parametrize("text", [b"NaN", b"-NaN"])
def test_parse_nan_has_either_sign(text):
    """NaN may have a sign."""
    (value,) = parse(b'{"a": [%s]}' % text)["a"]
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("body", "content"),
    [(b'["\xff\xfe"]', b"\xff\xfe"), (b'["\\udc80"]', b"\xed\xb2\x80"), (b'["\\ude00\\ud83d\\ude00"]', None)],
)
def test_parse_string_keeps_bytes_that_are_no_text(body, content):
    """Bytes that are no UTF-8 come through, and so does a lone low surrogate, as its three bytes."""
    (text,) = parse(body)
    assert to_bytes(text) == (content or b"\xed\xb8\x80" + "\U0001f600".encode())


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_parse_deep_document_needs_no_recursion(opening, closing):
    """A document may be nested half a million times."""
    depth = 500_000
    value = parse(b'{"a":' + opening * depth + b"1" + closing * depth + b"}")
    for _ in range(depth + 1):
        value = value["a"] if isinstance(value, dict) else value[0]
    assert value == 1


def test_parse_ordinary_documents_as_python_does():
    """Documents that Python writes are read back, whichever of the two readers takes them."""
    numbers = random.Random(1)
    for _ in range(200):
        document = {
            "values": [numbers.uniform(-1, 1) * 10 ** numbers.randint(-200, 200) for _ in range(20)],
            "text": "".join(map(chr, numbers.sample(range(0x20, 0xD000), 20))),
            "whole": numbers.randint(-(2**63), 2**63),
        }
        assert parse(json.dumps(document).encode()) == document
