"""Admission control: a full gateway refuses at once instead of queueing.

A photo sent alone is refused when all places are taken. One of a stream waits for its turn, first come, first served:
its sender is in no hurry, and holds the rest back meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from detector_api import errors
from detector_api.prediction.concurrency_limit import ConcurrencyLimit
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics

# Of all places, what streams may hold at most, so that there is room for photos sent alone.
STREAMS_SHARE = 0.75
# How much the last photo counts in the mean time in work.
LAST_WEIGHT = 0.1


@dataclass(slots=True)
class AdmittedPhoto:
    """A photo in work since `start`. `unloaded_seconds` is the time it would take alone, 0 until that is known."""

    start: float
    unloaded_seconds: float = 0.0


class Admission:
    """Places for photos in work, shared by the requests of an app on one event loop."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.limit = ConcurrencyLimit(settings.min_in_flight, settings.max_in_flight, settings.max_slowdown)
        self.in_work = 0
        self._of_streams = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_seconds = 0.0
        self._refused = metrics.photos_refused
        metrics.photos_in_work.set_function(lambda: self.in_work)
        metrics.admission_limit.set_function(lambda: self.limit.places)

    @property
    def is_full(self) -> bool:
        """Tell whether photos wait, or one that came now would find no place because of more than one in work."""
        return bool(self._waiting) or self.in_work >= max(2, self.limit.places)

    def check(self) -> None:
        """Raise `OverloadedError` if a photo sent alone would be refused now."""
        if self.in_work < self.limit.places:
            return
        self._refused.inc()
        # By Little's law the photos in work take as long to be answered as one of them is in work.
        seconds = max(1, math.ceil(self._mean_seconds))
        raise errors.OverloadedError(f"{self.in_work} photos are in work", seconds)

    @asynccontextmanager
    async def admitted(self, *, waits: bool = False) -> AsyncIterator[AdmittedPhoto]:
        """Hold a place for a photo: wait for it if `waits`, else raise `OverloadedError` if there is none."""
        if waits:
            await self._turn()
        else:
            self.check()
            self.in_work += 1
        admitted_photo = AdmittedPhoto(time.monotonic())
        try:
            yield admitted_photo
        except (errors.DeadlineError, errors.OverloadedError):
            self.limit.observe(math.inf, self.in_work)
            raise
        else:
            self._learn(admitted_photo)
        finally:
            self._leave(of_stream=waits)

    def _learn(self, admitted_photo: AdmittedPhoto) -> None:
        seconds = time.monotonic() - admitted_photo.start
        self._mean_seconds += LAST_WEIGHT * (seconds - self._mean_seconds)
        if admitted_photo.unloaded_seconds:
            self.limit.observe(seconds / admitted_photo.unloaded_seconds, self.in_work)

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._call_next()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its turn came in the same moment
                self._leave(of_stream=True)
            raise

    def _leave(self, *, of_stream: bool) -> None:
        self.in_work -= 1
        self._of_streams -= of_stream
        self._call_next()

    def _call_next(self) -> None:
        places = self.limit.places
        streams_places = max(1, int(STREAMS_SHARE * places))
        while self._waiting and self.in_work < places and self._of_streams < streams_places:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self.in_work += 1
                self._of_streams += 1
                turn.set_result(None)
