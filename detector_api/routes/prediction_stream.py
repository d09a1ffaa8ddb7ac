"""Stream of predictions: many photos of one request, a few in work at once, and a line for each as it is done.

Reading, prediction and writing go at their own speeds. Photos are read only while few bytes of them are in memory.
Lines wait without limit for a client that reads late: a client that sends everything before it reads must not be
blocked. They are small, and there are no more of them than `max_photos`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request

from detector_api.errors import ClosingError, EmptyImageError, GatewayError, InternalError, ServingError, TooLargeError
from detector_api.http.memory_budget import Reservation
from detector_api.http.problems import problem
from detector_api.http.protocol import CLOSING
from detector_api.http.uploads import Upload, too_large
from detector_api.schemas import ErrorLine, PredictionLine, PredictionReply
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.record import begin_photo_record, current_record

Line = PredictionLine | ErrorLine
Predict = Callable[[bytes], Awaitable[PredictionReply]]

logger = logging.getLogger(__name__)


class PredictionStream:
    """The photos of one request; `lines` may be used once."""

    def __init__(
        self,
        uploads: AsyncGenerator[Upload, None],
        predict: Predict,
        memory: Reservation,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._uploads = uploads
        self._predict = predict
        self._memory = memory
        self._settings = settings
        self._metrics = metrics
        self._record = current_record()
        self._waiting: asyncio.Queue[tuple[int, Upload]] = asyncio.Queue()
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()  # None: there will be no more
        self._held_bytes = 0
        self._released = asyncio.Event()
        self._body_read = asyncio.Event()

    async def lines(self, request: Request, *, after_body: bool = False) -> AsyncGenerator[Line, None]:
        """Yield a line for each photo, in the order in which they are done; with `after_body` none before all are read.

        Raises `ClientDisconnect` when the client has left; then, and when no more lines are asked for, work stops.
        """
        tasks = [asyncio.create_task(self._answer_all(request))]
        tasks += [asyncio.create_task(self._work()) for _ in range(self._settings.stream_photos_at_once)]
        try:
            if after_body:
                await self._body_read.wait()
            while (line := await self._lines.get()) is not None:
                yield line
            await tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            # An error that ends the stream holds this frame: what need not be held is freed now, not with the garbage.
            del tasks
            self._waiting = asyncio.Queue()

    async def _answer_all(self, request: Request) -> None:
        """Read the body, let the workers finish, and end the lines; all the while, notice a client who leaves."""
        try:
            failure = await self._read_unless_closing(request.scope.get(CLOSING))
            await _unless_gone(request, self._waiting.join())
            if failure is not None:
                self._lines.put_nowait(self._error_line(None, None, failure))
        finally:
            self._lines.put_nowait(None)

    async def _read_unless_closing(self, closing: asyncio.Event | None) -> GatewayError | None:
        """Read, but no further when the server is about to end: what is in work then is still answered."""
        if closing is None:
            return await self._read()
        reading, ending = asyncio.ensure_future(self._read()), asyncio.ensure_future(closing.wait())
        try:
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else ClosingError("the gateway ends")
        finally:
            reading.cancel()
            ending.cancel()

    async def _read(self) -> GatewayError | None:
        """Hand the photos to the workers; return what is wrong with the body as a whole."""
        count = 0
        try:
            async with aclosing(self._uploads) as uploads:
                async for upload in uploads:
                    if count == self._settings.max_photos:
                        raise TooLargeError(f"Only the first {count} photos were read. Please send fewer at once.")
                    self._held_bytes += len(upload.content or b"")
                    self._waiting.put_nowait((count, upload))
                    count += 1
                    while self._held_bytes > self._settings.stream_buffer_bytes:
                        self._released.clear()
                        await self._released.wait()
        except GatewayError as error:
            return error
        finally:
            self._body_read.set()
        return None

    async def _work(self) -> None:
        while True:
            index, upload = await self._waiting.get()
            size = len(upload.content or b"")
            line = await self._answer(index, upload)
            del upload  # its bytes are not held while the next one is waited for
            self._lines.put_nowait(line)
            self._held_bytes -= size
            self._memory.give_back(size)
            self._released.set()
            self._waiting.task_done()

    async def _answer(self, index: int, upload: Upload) -> Line:
        record = begin_photo_record()
        try:
            if upload.content is None:
                raise too_large("photo", self._settings.max_upload_bytes)
            if not upload.content:
                raise EmptyImageError
            prediction = await self._predict(upload.content)
        except GatewayError as error:
            return self._error_line(index, upload.filename, error)
        except Exception:
            logger.exception("photo %(index)s of a stream", {"index": index})
            return self._error_line(index, upload.filename, InternalError())
        else:
            self._record.model_version, self._record.model_label = record.model_version, record.model_label
            return PredictionLine(index=index, filename=upload.filename, prediction=prediction)
        finally:
            self._record.photos += 1
            self._metrics.count_work(record)

    def _error_line(self, index: int | None, filename: str | None, error: GatewayError) -> ErrorLine:
        """Return the line of an error; of many, the log has the last."""
        record = self._record
        record.error_code = error.code
        if isinstance(error, ServingError):
            record.reason = error.reason
        if index is not None:
            record.photos_failed += 1
        told = problem(error.status, error.code, error.detail, record.request_id)
        return ErrorLine(index=index, filename=filename, error=told)


async def _unless_gone(request: Request, work: Awaitable[None]) -> None:
    """Wait for the work, or raise `ClientDisconnect`: after a body, leaving is all that can be received."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
