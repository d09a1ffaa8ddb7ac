"""Readiness of the model server, asked at most once in a moment however many want to know."""

from __future__ import annotations

import asyncio
import time

from detector_api import errors
from detector_api.serving.serving_client import AVAILABLE, ServingClient

# A load balancer asks every few seconds, and hears of a change at most so much later.
KNOWN_SECONDS = 0.5


class Readiness:
    """The server's last answer, for one event loop."""

    def __init__(self, client: ServingClient, deadline_seconds: float) -> None:
        self._client = client
        self._deadline_seconds = deadline_seconds
        self._asking = asyncio.Lock()
        self._known_until = 0.0
        self._failure: errors.ServingError | None = None

    async def check(self) -> None:
        """Return if a version of the model is available; raises a `ServingError` if none is."""
        self._client.circuit.check()
        async with self._asking:
            if time.monotonic() >= self._known_until:
                self._failure = await self._ask()
                self._known_until = time.monotonic() + KNOWN_SECONDS
        if self._failure:
            raise self._failure.with_traceback(None)

    async def _ask(self) -> errors.ServingError | None:
        try:
            states = await self._client.status(self._deadline_seconds)
        except errors.ServingError as error:
            return error
        if AVAILABLE in states.values():
            return None
        return errors.ModelUnavailableError(f"the states of its versions are {states}")
