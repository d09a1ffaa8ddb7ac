"""Circuit breaker: calls fail at once while the model server is dead or frozen, until a probe finds it back."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

from detector_api import errors

# Failures in a row, of any callers, after which the server is held to be gone.
FAILURES = 5
# Between the questions whether it is back.
PROBE_SECONDS = 1.0
# How much too early the event loop's timers may ring.
TIMER_SECONDS = 0.01

logger = logging.getLogger(__name__)


class Circuit:
    """A breaker for one server, on one event loop; `probe` makes a cheap call, under `watch` like every other call."""

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        self._probe = probe
        self._failures = 0
        self._opened: float | None = None
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the server is held to be gone."""
        return self._opened is not None

    def check(self) -> None:
        """Raise `ModelUnavailableError` while the server is held to be gone."""
        if self.is_open:
            raise errors.ModelUnavailableError("the model server does not answer")

    @contextlib.contextmanager
    def watch(self, deadline: float) -> Iterator[None]:
        """Learn from the block, which is one call until `deadline`, in monotonic seconds."""
        try:
            yield
        except (errors.ModelUnavailableError, errors.DeadlineError) as error:
            if isinstance(error, errors.ModelNotFoundError):
                self._succeed()
            else:
                self._fail(error.reason)
            raise
        except errors.ServingError:  # an answer all the same
            self._succeed()
            raise
        except asyncio.CancelledError:
            if time.monotonic() >= deadline - TIMER_SECONDS:
                self._fail("no answer in time")
            raise
        else:
            self._succeed()

    def close(self) -> None:
        """Stop probing, at the end of the app."""
        if self._probing:
            self._probing.cancel()

    def _succeed(self) -> None:
        self._failures = 0
        if self._opened is not None:
            logger.info("the model server is back after %.1f s", time.monotonic() - self._opened)
            self._opened = None

    def _fail(self, reason: str) -> None:
        self._failures += 1
        if self._opened is None and self._failures >= FAILURES:
            self._opened = time.monotonic()
            logger.warning("the model server does not answer: %s", reason)
            # In a context of its own: what it does is not part of the request that found the server gone.
            self._probing = asyncio.create_task(self._probe_until_closed(), context=contextvars.Context())

    async def _probe_until_closed(self) -> None:
        while self.is_open:
            started = time.monotonic()
            with contextlib.suppress(errors.ServingError):  # `watch` has seen it
                await self._probe()
            if self.is_open:
                await asyncio.sleep(max(0.0, started + PROBE_SECONDS - time.monotonic()))
