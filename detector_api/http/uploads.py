"""Photos of a multipart/form-data body, read into memory and nowhere else.

Starlette's own form parser moves what is above 1 MB into a file in the temporary folder; photos are never written to
disk, so the body is parsed here, as it arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from detector_api.errors import EmptyImageError, NoImageError, RequestTimeoutError, TooLargeError
from detector_api.http.multipart import PhotoCollector, Upload
from detector_api.settings import Settings


async def read_photo(request: Request, settings: Settings, hold: Callable[[int], None]) -> bytes:
    """Return the first photo of the body that is not empty; more photos, and other fields, are not read.

    `hold` is told the size of each piece of the body, and may raise. Raises `NoImageError`, `EmptyImageError`,
    `RequestTimeoutError`, or `TooLargeError` as soon as the length announced or received exceeds `max_upload_bytes`.
    """
    error: type[NoImageError] = NoImageError
    async with aclosing(read_photos(request, settings, settings.max_upload_bytes, hold)) as uploads:
        async for upload in uploads:
            if upload.content:
                return upload.content
            error = EmptyImageError
    raise error


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

    collector = PhotoCollector(settings.max_upload_bytes, settings.max_other_parts)
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
