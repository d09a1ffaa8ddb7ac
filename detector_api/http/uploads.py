"""Photos out of a multipart/form-data body, held in memory and nowhere else.

Starlette's own form parser moves what is above 1 MB into a file in the temporary folder; photos are never written to
disk, so the body is parsed here, as it arrives.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from detector_api.errors import NoImageError, RequestTimeoutError, TooLargeError
from detector_api.http.filenames import read_filename
from detector_api.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# The original's name of the field, and what other clients call it.
FIELDS = ("dog_image", "image", "file")


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo as it was sent. `content` is None if it alone was above `max_upload_bytes`, and was not kept."""

    filename: str
    content: bytes | None


async def read_photo(request: Request, settings: Settings, hold: Callable[[int], None]) -> bytes:
    """Return the first photo of the body that is not empty; more photos, and other fields, are not read.

    `hold` is told the size of each piece of the body, and may raise. Raises `NoImageError`, `RequestTimeoutError`, or
    `TooLargeError` as soon as the length announced or received exceeds `max_upload_bytes`.
    """
    async with aclosing(read_photos(request, settings, settings.max_upload_bytes, hold)) as uploads:
        async for upload in uploads:
            if upload.content:
                return upload.content
    raise NoImageError


async def read_photos(
    request: Request, settings: Settings, max_bytes: int, hold: Callable[[int], None] = lambda size: None
) -> AsyncGenerator[Upload, None]:
    """Yield each photo of a body of at most `max_bytes` when its last byte has arrived; empty ones only with a name.

    Nothing is read while the caller does not ask for the next. Raises as `read_photo` does, and `ClientDisconnect`.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise NoImageError
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large("upload", max_bytes)

    collector = _PhotoCollector(settings.max_upload_bytes, settings.max_other_parts)
    received = 0
    more_body = True
    failure: Exception | None = None
    try:
        header_bytes = settings.max_part_header_bytes
        parser = MultipartParser(options[b"boundary"], collector.callbacks, max_header_size=header_bytes)
    except FormParserError as error:
        raise NoImageError from error
    while more_body:
        chunk, more_body = await _receive(request, settings.idle_seconds)
        received += len(chunk)
        if received > max_bytes:
            raise too_large("upload", max_bytes)
        hold(len(chunk))
        try:
            parser.write(chunk)
        except (FormParserError, TooLargeError) as error:
            failure = error
        while collector.uploads:  # those before a failure, too
            yield collector.uploads.popleft()
        if isinstance(failure, TooLargeError):
            raise failure
        if failure is not None:
            raise NoImageError("The request's body is not valid multipart/form-data.") from failure
    if not collector.has_ended:
        raise NoImageError("The request's body ends before its last part does.")


async def begin(uploads: AsyncGenerator[Upload, None]) -> AsyncGenerator[Upload, None]:
    """Wait for the first photo, and return all of them; raises as `read_photos` does, or `NoImageError` for none."""
    first = await anext(uploads, None)
    if first is None:
        raise NoImageError

    async def all_of_them() -> AsyncGenerator[Upload, None]:
        yield first
        async for upload in uploads:
            yield upload

    return all_of_them()


def too_large(what: str, max_bytes: int) -> TooLargeError:
    """Return the error of an upload or photo that is above a limit."""
    return TooLargeError(f"This {what} is larger than {max_bytes / 2**20:g} MB. Please send a smaller version.")


async def _receive(request: Request, idle_seconds: float) -> tuple[bytes, bool]:
    """Return the next bytes of the body, and whether more will follow."""
    try:
        async with asyncio.timeout(idle_seconds):
            message = await request.receive()
    except TimeoutError as error:
        raise RequestTimeoutError from error
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


class _PhotoCollector:
    """What the parser calls; `uploads` fills with the complete ones."""

    def __init__(self, max_photo_bytes: int, max_other_parts: int) -> None:
        self.uploads: deque[Upload] = deque()
        self.has_ended = False
        self._max_photo_bytes = max_photo_bytes
        self._other_parts_left = max_other_parts
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end,
            "on_end": self._end_body,
        }

    def _begin(self) -> None:
        self._name, self._value = bytearray(), bytearray()
        # Of bytes, and not a list of chunks: many small ones would take many times their size.
        self._data: io.BytesIO | None = io.BytesIO()
        self._is_photo, self._filename = False, ""

    def _add_to_name(self, chunk: bytes, start: int, end: int) -> None:
        self._name += chunk[start:end]

    def _add_to_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._is_photo = options.get(b"name", b"").decode("utf-8", "replace") in FIELDS
            self._filename = read_filename(bytes(self._value))
        self._name, self._value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        if not self._is_photo:
            if not self._other_parts_left:
                raise TooLargeError("This request has too many fields beside the photos. Please leave them out.")
            self._other_parts_left -= 1

    def _add_data(self, chunk: bytes, start: int, end: int) -> None:
        if not self._is_photo or self._data is None:
            return
        self._data.write(chunk[start:end])  # a slice of the whole chunk, as most are, is no copy
        if self._data.tell() > self._max_photo_bytes:
            self._data = None

    def _end(self) -> None:
        content = None if self._data is None else self._data.getvalue()
        # A form sent with no file chosen has the field, empty and without a file's name.
        if self._is_photo and (content != b"" or self._filename):
            self.uploads.append(Upload(self._filename, content))
        self._data = None

    def _end_body(self) -> None:
        self.has_ended = True
