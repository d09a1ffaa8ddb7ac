"""Admission control: a few photos are in work at once, and the others wait for their turn.

The callers take turns. A photo is refused at once if it would wait longer than the settings allow, and is told when to
come back; else it waits, and costs no more meanwhile than the bytes that were sent.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from detector_api import errors
from detector_api.prediction.concurrency_limit import ConcurrencyLimit
from detector_api.prediction.fair_queue import FairQueue
from detector_api.prediction.pace import Pace
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.record import current_record

# How much the last photo counts in the mean time in work.
LAST_WEIGHT = 0.1
# The latest that a refused caller is told to come back: how many of them will is not known. Those whose turn would be
# later come back at any time of the second half, and not all in the same moment.
MAX_RETRY_SECONDS = 30.0


@dataclass(slots=True)
class AdmittedPhoto:
    """A photo in work since `start`, to be answered until `deadline`, both in monotonic seconds.

    `unloaded_seconds` is the time it would take alone, 0 until that is known.
    """

    start: float
    deadline: float
    unloaded_seconds: float = 0.0


class Admission:
    """Places for photos in work, shared by the requests of an app on one event loop."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.limit = ConcurrencyLimit(settings.min_in_flight, settings.max_in_flight, settings.max_slowdown)
        self.in_work = 0
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()
        self._pace = Pace()
        self._mean_seconds = 0.0
        self._promised = 0.0  # when the next caller who is refused may come back
        self._max_wait_seconds = settings.max_wait_seconds
        self._deadline_seconds = settings.deadline_seconds
        self._refused = metrics.photos_refused
        metrics.photos_in_work.set_function(lambda: self.in_work)
        metrics.photos_waiting.set_function(lambda: len(self._queue))
        metrics.admission_limit.set_function(lambda: self.limit.places)

    @property
    def is_full(self) -> bool:
        """Tell whether a photo of a caller who has none here would be refused now, for more than the one in work."""
        return self.in_work > 1 and self._excess_seconds("") is not None

    def check(self, caller: str) -> None:
        """Raise `OverloadedError` if one more photo of this caller would have to wait for too long."""
        excess = self._excess_seconds(caller)
        if excess is not None:
            raise self._refusal(f"{self.in_work} photos are in work, and {len(self._queue)} wait", excess)

    @asynccontextmanager
    async def admitted(self, caller: str, stream: asyncio.Lock | None = None) -> AsyncIterator[AdmittedPhoto]:
        """Hold a place for a photo, as soon as it is its turn.

        Raises `OverloadedError`: at once, as `check` does, or when the deadline has passed first. Photos of a stream
        share its lock: they wait one after the other, and none is refused at once, for a busy moment would cost them
        all.
        """
        async with stream or nullcontext():
            deadline = time.monotonic() + self._deadline_seconds
            if not stream:
                self.check(caller)
            await self._turn(caller)
        admitted_photo = AdmittedPhoto(time.monotonic(), deadline)
        try:
            yield admitted_photo
        except (errors.DeadlineError, errors.OverloadedError):
            self.limit.observe(math.inf, self.in_work)
            raise
        else:
            self._learn(admitted_photo)
        finally:
            self._leave()

    def _excess_seconds(self, caller: str) -> float | None:
        """Return by how much the wait of one more photo would be too long, None if it would not."""
        if self.in_work < self.limit.places:
            return None
        if not self._max_wait_seconds:
            return self._mean_seconds  # by Little's law, all that are in work have left by then
        wait_seconds = self._pace.seconds * self._queue.turns_before(caller)
        excess = wait_seconds - min(self._max_wait_seconds, self._seconds_before_work)
        return excess if wait_seconds and excess > 0 else None

    @property
    def _seconds_before_work(self) -> float:
        """Return how long a photo can wait and still be answered within its deadline."""
        return self._deadline_seconds - self._mean_seconds

    def _refusal(self, reason: str, seconds: float) -> errors.OverloadedError:
        """Count a refusal, and give each caller who is refused another turn to come back in."""
        self._refused.inc()
        now = time.monotonic()
        latest = now + MAX_RETRY_SECONDS
        self._promised = min(max(now + seconds, self._promised + self._pace.seconds), latest)
        promised = self._promised if self._promised < latest else latest - random.uniform(0, MAX_RETRY_SECONDS / 2)
        return errors.OverloadedError(reason, max(1, math.ceil(promised - now)))

    def _learn(self, admitted_photo: AdmittedPhoto) -> None:
        seconds = time.monotonic() - admitted_photo.start
        self._mean_seconds += LAST_WEIGHT * (seconds - self._mean_seconds)
        if admitted_photo.unloaded_seconds:
            self.limit.observe(seconds / admitted_photo.unloaded_seconds, self.in_work)

    async def _turn(self, caller: str) -> None:
        if self.in_work < self.limit.places and not self._queue:
            self.in_work += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._queue:
            self._pace.begin(time.monotonic())
        self._queue.add(caller, turn)
        try:
            with current_record().timed("wait"):
                async with asyncio.timeout(self._seconds_before_work):
                    await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled() and not turn.exception():  # it came in the same moment
                self._leave()
            else:
                self._queue.discard(caller, turn)  # unless it has just left
            if isinstance(error, TimeoutError):
                raise self._refusal("the photo has waited in vain", self._mean_seconds) from error
            raise

    def _leave(self) -> None:
        self.in_work -= 1
        while self._queue and self.in_work < self.limit.places:
            turn = self._queue.pop()
            self._pace.turn(time.monotonic(), more_wait=len(self._queue) > 0)
            if not turn.cancelled():
                self.in_work += 1
                turn.set_result(None)
        # Those that were let in before it was known how long they would wait, or when the model was faster.
        while (excess := self._pace.seconds * len(self._queue) - self._seconds_before_work) > 0:
            turn = self._queue.pop_last()
            if not turn.cancelled():
                turn.set_exception(self._refusal("the photo would wait in vain", excess))
