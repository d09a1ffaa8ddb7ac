"""The model's unloaded latency: the baseline of the concurrency limit.

It is learnt from the calls as they come. A call that has company takes longer, so it can only show that the time is
shorter than was thought; a call that is alone from its start to its end shows it either way. Where calls are never
alone, one is made so now and then: it waits until those before it have ended, and those after it wait for its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# How far an observation moves the estimate: a shorter time is a fact, a longer one may be the moment's.
DOWN_WEIGHT = 0.25
UP_WEIGHT = 0.05
# A call is kept alone when that many calls, for each of those under way, were not: it delays one in a few hundred.
CALLS_BETWEEN = 300


class UnloadedLatency:
    """An estimate in seconds, for one event loop; `seconds` is 0 until something is known."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._version = 0
        self._under_way = 0
        self._begun = 0
        self._is_stale = True
        self._since_alone = 0
        self._idle = asyncio.Event()
        self._gate = asyncio.Event()
        self._idle.set()
        self._gate.set()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Time the block, which is one call of the model; a call that fails is not counted."""
        while not self._gate.is_set():
            await self._gate.wait()
        if self._under_way and self._is_due():
            self._gate.clear()
            try:
                await self._idle.wait()
                async with self._timed():
                    yield
            finally:
                self._gate.set()
        else:
            async with self._timed():
                yield

    def expect(self, version: int) -> None:
        """Start over if the version that answered is newer than those before: its speed may differ."""
        if version > self._version:
            self._version, self._is_stale = version, True

    def _is_due(self) -> bool:
        # The very first call may have to warm the server up, so one has to have ended before.
        return self.seconds > 0 and (self._is_stale or self._since_alone > CALLS_BETWEEN * self._under_way)

    @asynccontextmanager
    async def _timed(self) -> AsyncIterator[None]:
        self._begun += 1
        number, was_alone = self._begun, self._under_way == 0
        self._under_way += 1
        self._idle.clear()
        start = time.monotonic()
        try:
            yield
            self._learn(time.monotonic() - start, is_alone=was_alone and self._begun == number)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def _learn(self, seconds: float, *, is_alone: bool) -> None:
        self._since_alone = 0 if is_alone else self._since_alone + 1
        if not self.seconds or (is_alone and self._is_stale):
            # The first call of all stays under suspicion.
            self._is_stale = not self.seconds
            self.seconds = seconds
        elif seconds < self.seconds:
            self.seconds += DOWN_WEIGHT * (seconds - self.seconds)
        elif is_alone:
            self.seconds += UP_WEIGHT * (seconds - self.seconds)
