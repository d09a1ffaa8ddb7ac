"""RapidJSON 1.1's reader, in Python: its numbers and strings, its errors and their offsets.

Text is held as `str` in which bytes that are no UTF-8 are surrogate escapes, so that they come out as they went in.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from local_server.errors import InvalidArgumentError

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\n\r]*")
_LAST_SPACE = ord(" ")
_PLAIN_TEXT = re.compile(rb'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(rb"-?(?P<whole>0|[1-9][0-9]*)(?P<point>\.(?P<fraction>[0-9]*))?")
_EXPONENT = re.compile(rb"[eE](?P<sign>[+-]?)(?P<digits>[0-9]*)")
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_CONSTANTS = {b"t": (b"true", True), b"f": (b"false", False), b"n": (b"null", None)}
_ESCAPES = {b'"': '"', b"\\": "\\", b"/": "/", b"b": "\b", b"f": "\f", b"n": "\n", b"r": "\r", b"t": "\t"}

_MAX_EXPONENT = 308
_MAX_BEFORE_LAST_DIGIT = 1.7976931348623157e307


def to_text(raw: bytes) -> str:
    """Return bytes as text, whatever they hold."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Return the bytes that `to_text` came from."""
    return text.encode("utf-8", "surrogateescape")


def is_double(value: Any) -> bool:
    """Tell whether RapidJSON holds a value as a double: one with a point or an exponent, or beyond 64 bits."""
    return isinstance(value, float) or (isinstance(value, int) and not -(2**63) <= value < 2**64)


class Reader:
    """A reader of one document. It keeps open arrays and objects on a stack of its own, so that they may be deep."""

    def __init__(self, source: bytes) -> None:
        self._source = source + b"\0"  # ends the document, as a NUL within it does
        self._at = 0
        for byte in _BOM:  # RapidJSON skips parts of one, too
            self._at += self._source[self._at] == byte

    def read(self) -> Any:
        """Return the document's value."""
        open_containers: list[tuple[Any, str]] = []  # each with the name of the member that is being read
        container, name = None, ""
        if self._next() in b"\0]},:":
            self._fail("The document is empty.")
        while True:
            value = self._value()
            if isinstance(value, (list, dict)) and not self._closes(value):
                open_containers.append((container, name))
                container, name = value, self._name() if isinstance(value, dict) else ""
                continue
            while True:
                if container is None:
                    return value
                if isinstance(container, dict):
                    container.setdefault(name, value)
                else:
                    container.append(value)
                if self._next() == b",":
                    self._at += 1
                    self._next()
                    name = self._name() if isinstance(container, dict) else ""
                    break
                if not self._closes(container):
                    closing, element = ("}", "object member") if isinstance(container, dict) else ("]", "array element")
                    self._fail(f"Missing a comma or '{closing}' after an {element}.")
                value = container
                container, name = open_containers.pop()

    def _fail(self, reason: str, at: int | None = None) -> NoReturn:
        raise InvalidArgumentError(f"JSON Parse error: {reason} at offset: {self._at if at is None else at}")

    def _here(self) -> bytes:
        return self._source[self._at : self._at + 1]

    def _next(self) -> bytes:
        """Skip white space; return the byte after it."""
        if self._source[self._at] <= _LAST_SPACE:
            self._at = self._end(_SPACE)
        return self._here()

    def _end(self, pattern: re.Pattern[bytes]) -> int:
        match = pattern.match(self._source, self._at)
        return match.end() if match else self._at

    def _closes(self, container: list[Any] | dict[str, Any]) -> bool:
        closed = self._next() == (b"}" if isinstance(container, dict) else b"]")
        self._at += closed
        return closed

    def _value(self) -> Any:
        byte = self._here()
        if byte == b"{":
            self._at += 1
            return {}
        if byte == b"[":
            self._at += 1
            return []
        if byte == b'"':
            return self._string()
        if byte in _CONSTANTS:
            word, value = _CONSTANTS[byte]
            self._expect(word)
            return value
        return self._number()

    def _expect(self, word: bytes) -> None:
        for letter in word:
            if self._source[self._at] != letter:
                self._fail("Invalid value.")
            self._at += 1

    def _name(self) -> str:
        if self._here() != b'"':
            self._fail("Missing a name for object member.")
        name = self._string()
        if self._next() != b":":
            self._fail("Missing a colon after a name of object member.")
        self._at += 1
        self._next()
        return name

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            start, self._at = self._at, self._end(_PLAIN_TEXT)
            parts.append(to_text(self._source[start : self._at]))
            byte = self._here()
            if byte == b"\\":
                parts.append(self._escape())
                continue
            if byte == b"\0":
                self._fail("Missing a closing quotation mark in string.")
            if byte != b'"':
                self._fail("Invalid escape character in string.")  # a control character, in RapidJSON's words
            self._at += 1
            return "".join(parts)

    def _escape(self) -> str:
        start = self._at
        self._at += 2
        escaped = self._source[start + 1 : self._at]
        if escaped in _ESCAPES:
            return _ESCAPES[escaped]
        if escaped != b"u":
            self._fail("Invalid escape character in string.", start)
        code = self._code_unit(start)
        if 0xD800 <= code < 0xDC00:
            if self._source[self._at : self._at + 2] != b"\\u":
                self._fail("The surrogate pair in string is invalid.", start)
            self._at += 2
            low = self._code_unit(start)
            if not 0xDC00 <= low < 0xE000:
                self._fail("The surrogate pair in string is invalid.", start)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        return to_text(chr(code).encode("utf-8", "surrogatepass"))  # RapidJSON lets a lone low surrogate pass

    def _code_unit(self, escape: int) -> int:
        digits = _HEX.match(self._source, self._at)
        if not digits:
            self._fail("Incorrect hex digit after \\u escape in string.", escape)
        self._at += 4
        return int(digits[0], 16)

    def _number(self) -> int | float:
        start = self._at
        number = _NUMBER.match(self._source, start)
        if not number:
            return self._not_a_number()
        self._at = number.end()
        whole, fraction = number["whole"], number["fraction"] or b""
        if len(whole) > _MAX_EXPONENT and float(whole[:-1]) >= _MAX_BEFORE_LAST_DIGIT:
            self._fail("Number too big to be stored in double.", start)
        if number["point"] and not fraction:
            self._fail("Miss fraction part in number.")
        exponent = _EXPONENT.match(self._source, self._at)
        if exponent:
            self._at = exponent.end()
            if not exponent["digits"]:
                self._fail("Miss exponent in number.")
            too_big = float(exponent["digits"]) > _MAX_EXPONENT + len(fraction)
            if exponent["sign"] != b"-" and too_big and len(exponent["digits"]) > 1:
                self._fail("Number too big to be stored in double.", start)
        text = self._source[start : self._at]
        if number["point"] or exponent:
            return float(text)
        integer = int(text) if len(whole) <= 20 else 2**64
        return integer if -(2**63) <= integer < 2**64 else float(text)

    def _not_a_number(self) -> float:
        negative = self._here() == b"-"
        self._at += negative
        if self._here() == b"N":
            self._expect(b"NaN")
            return float("nan")
        self._expect(b"Inf")
        if self._here() == b"i":
            self._expect(b"inity")
        return float("-inf" if negative else "inf")
