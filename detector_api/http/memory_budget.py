"""Memory budget for uploads: a bound on all photos that are received or wait, beside the limit for each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from detector_api.errors import OverloadedError


class MemoryBudget:
    """A budget that all requests of an app share; of it, one caller gets no more than `max_caller_bytes`."""

    def __init__(self, max_bytes: int, max_caller_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_caller_bytes = max_caller_bytes
        self._held: Counter[str] = Counter()
        self.held_bytes = 0
        self._freed = asyncio.Event()

    @contextmanager
    def reserve(self, caller: str, wait_seconds: float = 0.0) -> Iterator[Reservation]:
        """Yield a request's reservation; what it holds at the end is free again. `wait_seconds` is for its `take`."""
        reservation = Reservation(self, caller, wait_seconds)
        try:
            yield reservation
        finally:
            reservation.give_back(reservation.held_bytes)

    def has_room(self, caller: str, size: int) -> bool:
        """Tell whether so many bytes more fit."""
        return self.held_bytes + size <= self._max_bytes and self._held[caller] + size <= self._max_caller_bytes

    def add(self, caller: str, size: int) -> None:
        """Add bytes to what a caller holds, or take them off; those who wait for room look again."""
        self.held_bytes += size
        self._held[caller] += size
        if not self._held[caller]:
            del self._held[caller]
        if size < 0:
            self._freed.set()
            self._freed.clear()

    async def wait_for_room(self, caller: str, size: int, seconds: float) -> None:
        """Return as soon as so many bytes more fit; raises `OverloadedError` if they do not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not self.has_room(caller, size):
                    await self._freed.wait()
        except TimeoutError as error:
            raise OverloadedError(f"{self.held_bytes} bytes of uploads are in memory") from error


class Reservation:
    """The bytes that one request holds of a budget."""

    def __init__(self, budget: MemoryBudget, caller: str, wait_seconds: float) -> None:
        self.held_bytes = 0
        self._budget = budget
        self._caller = caller
        self._wait_seconds = wait_seconds

    async def take(self, size: int) -> None:
        """Hold so many bytes more, once there is room; raises `OverloadedError` if there is none in time."""
        if not self._budget.has_room(self._caller, size):
            await self._budget.wait_for_room(self._caller, size, self._wait_seconds)
        self.held_bytes += size
        self._budget.add(self._caller, size)

    def give_back(self, size: int) -> None:
        """Hold so many bytes less."""
        self.held_bytes -= size
        self._budget.add(self._caller, -size)
