"""Photos out of a multipart/form-data body, held in memory and nowhere else.

Starlette's own form parser moves what is above 1 MB into a file in the temporary folder; photos are never written to
disk, so the body is parsed here, as it arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from detector_api.errors import NoImageError, TooLargeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# The original's name of the field, and what other clients call it.
FIELDS = ("dog_image", "image", "file")


async def read_photo(request: Request, max_bytes: int) -> bytes:
    """Return the first photo of the body that is not empty; more photos, and other fields, are not read.

    Raises `NoImageError`, or `TooLargeError` as soon as the length announced or received exceeds `max_bytes`.
    """
    async with aclosing(read_photos(request, max_bytes)) as photos:
        async for photo in photos:
            return photo
    raise NoImageError


async def read_photos(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield each photo of the body when its last byte has arrived."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise NoImageError
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(max_bytes)

    collector = _PhotoCollector()
    received = 0
    try:
        parser = MultipartParser(options[b"boundary"], collector.callbacks)
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                received += len(chunk)
                if received > max_bytes:
                    raise _too_large(max_bytes)
                parser.write(chunk)
                while collector.photos:
                    yield collector.photos.popleft()
    except FormParserError as error:
        raise NoImageError("The request's body is not valid multipart/form-data.") from error


class _PhotoCollector:
    """What the parser calls; `photos` fills with the complete ones."""

    def __init__(self) -> None:
        self.photos: deque[bytes] = deque()
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_part_data": self._add_data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._is_photo = False

    def _add_to_name(self, chunk: bytes, start: int, end: int) -> None:
        self._name += chunk[start:end]

    def _add_to_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._is_photo = options.get(b"name", b"").decode("utf-8", "replace") in FIELDS
        self._name, self._value = bytearray(), bytearray()

    def _add_data(self, chunk: bytes, start: int, end: int) -> None:
        if self._is_photo:
            self._data += chunk[start:end]

    def _end(self) -> None:
        # A form sent with no file chosen has the field, empty.
        if self._data:
            self.photos.append(bytes(self._data))
        self._data = bytearray()


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"This upload is larger than {max_bytes / 2**20:g} MB. Please send a smaller version.")
