"""Photos of a multipart/form-data body, read into memory and nowhere else.

Starlette's own form parser moves what is above 1 MB into a file in the temporary folder; photos are never written to
disk, so the body is parsed here, as it arrives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from detector_api.errors import EmptyImageError, NoImageError, RequestTimeoutError, TooLargeError
from detector_api.http.memory_budget import Reservation
from detector_api.http.multipart import PhotoCollector, Upload
from detector_api.settings import Settings


async def read_photo(request: Request, settings: Settings, memory: Reservation) -> bytes:
    """Return the first photo of the body that is not empty; more photos, and other fields, are not read.

    `memory` holds what is kept. Raises `NoImageError`, `EmptyImageError`, `RequestTimeoutError`, `OverloadedError` if
    there is no memory, or `TooLargeError` as soon as the length announced or received exceeds `max_upload_bytes`.
    """
    error: type[NoImageError] = NoImageError
    async with aclosing(read_photos(request, settings, settings.max_upload_bytes, memory)) as uploads:
        async for upload in uploads:
            if upload.content:
                return upload.content
            error = EmptyImageError
    raise error


async def read_photos(
    request: Request, settings: Settings, max_bytes: int, memory: Reservation
) -> AsyncGenerator[Upload, None]:
    """Yield each photo of a body of at most `max_bytes` when its last byte has arrived; empty ones only with a name.

    Nothing is read while the caller does not ask for the next. `memory` holds the photos until the caller gives their
    bytes back. Raises as `read_photo` does, and `ClientDisconnect`.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise NoImageError
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large("upload", max_bytes)

    collector = PhotoCollector(settings.max_upload_bytes, settings.max_other_parts)
    body = _Body(request, settings, max_bytes)
    try:
        header_bytes = settings.max_part_header_bytes
        parser = MultipartParser(options[b"boundary"], collector.callbacks(), max_header_size=header_bytes)
    except FormParserError as error:
        raise NoImageError from error
    while chunk := await body.read():
        await memory.take(len(chunk))
        kept_bytes = collector.kept_bytes
        try:
            parser.write(chunk)
        except (FormParserError, TooLargeError) as error:
            while collector.uploads:  # those before the failure
                yield collector.uploads.popleft()
            if isinstance(error, TooLargeError):
                raise
            raise NoImageError("The request's body is not valid multipart/form-data.") from error
        finally:
            memory.give_back(len(chunk) + kept_bytes - collector.kept_bytes)
        while collector.uploads:
            yield collector.uploads.popleft()
    if not collector.has_ended:
        raise NoImageError("The request's body ends before its last part does.")


async def require_photo(uploads: AsyncGenerator[Upload, None]) -> AsyncGenerator[Upload, None]:
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


class _Body:
    """The bytes of a body, as they arrive: at most `max_bytes`, and not too slowly."""

    def __init__(self, request: Request, settings: Settings, max_bytes: int) -> None:
        self._receive = request.receive
        self._idle_seconds = settings.idle_seconds
        self._least_rate = settings.min_upload_bytes_per_second
        self._max_bytes = max_bytes
        self._received = 0
        self._waited_seconds = 0.0  # for the client, which in turn may be made to wait
        self._has_more = True

    async def read(self) -> bytes:
        """Return the next bytes, none at the end."""
        chunk = b""
        while self._has_more and not chunk:
            chunk = await self._read_message()
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise too_large("upload", self._max_bytes)
        return chunk

    async def _read_message(self) -> bytes:
        left_seconds = self._idle_seconds + self._received / self._least_rate - self._waited_seconds
        start = time.monotonic()
        try:
            async with asyncio.timeout(min(self._idle_seconds, left_seconds)):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestTimeoutError from error
        self._waited_seconds += time.monotonic() - start
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._has_more = message.get("more_body", False)
        return bytes(message.get("body", b""))
