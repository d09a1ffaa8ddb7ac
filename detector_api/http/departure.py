"""Departure of a client: work for a request ends as soon as nobody is left to read the answer."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.requests import ClientDisconnect
from starlette.types import Scope

# In a request's scope: its `Departure`.
DEPARTURE = "departure"
# Between looks at a connection that is not read from: who has sent enough for now may leave meanwhile.
LOOK_SECONDS = 0.5
# That the other side has closed is told even while what it sent before is still unread (Linux).
_CLOSED = getattr(select, "POLLRDHUP", 0)


class Departure:
    """The end of a request's connection before its answer was sent."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._has_happened = False
        self._interrupt: Callable[[], object] | None = None

    def happen(self) -> None:
        """Interrupt the work for the request; the protocol calls it."""
        self._has_happened = True
        if self._interrupt:
            self._interrupt()

    @asynccontextmanager
    async def interrupts(self) -> AsyncIterator[None]:
        """Run the block, and raise `ClientDisconnect` in it when the client leaves."""
        task = asyncio.current_task()
        assert task
        if self._has_happened:
            raise ClientDisconnect
        self._interrupt = task.cancel
        try:
            yield
        except asyncio.CancelledError:
            if self._has_happened and not task.uncancel():
                raise ClientDisconnect from None
            raise
        finally:
            self._interrupt = None

    async def look_out(self) -> None:
        """Look again and again whether the client has left, though nothing is read from it."""
        descriptor = self._transport.get_extra_info("socket")
        while _CLOSED and descriptor is not None and not self._transport.is_closing():
            poll = select.poll()
            poll.register(descriptor.fileno(), _CLOSED)
            if poll.poll(0):
                self._transport.abort()
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def until_departure(scope: Scope, *, looks_out: bool = False) -> AsyncIterator[None]:
    """Run the block for a request, and raise `ClientDisconnect` in it when its client leaves.

    With `looks_out` that is noticed while the body waits to be read, too.
    """
    departure: Departure | None = scope.get(DEPARTURE)
    if departure is None:  # another server than ours
        yield
        return
    lookout = asyncio.create_task(departure.look_out()) if looks_out else None
    try:
        async with departure.interrupts():
            yield
    finally:
        if lookout:
            lookout.cancel()
            with suppress(asyncio.CancelledError):
                await lookout
