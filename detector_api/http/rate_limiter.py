"""Rate limit on the photos of each client: the generic cell rate algorithm, which keeps one number for each client.

Libraries for it keep each client's times, or look through all clients now and then; here neither memory nor time grows
with more than the clients of the last minute.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from detector_api.errors import TooManyRequestsError

PERIOD_SECONDS = 60.0
# About 20 MB. Beyond it, the client that was quiet for longest starts anew.
MAX_CLIENTS = 100_000


class RateLimiter:
    """A limit that the requests of an app share. Without `photos_per_minute` nobody is limited."""

    def __init__(self, photos_per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = PERIOD_SECONDS / photos_per_minute if photos_per_minute else 0.0
        self._clock = clock
        # When each client's allowance is full again; who sent last stands last.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> None:
        """Count one photo of a client; raises `TooManyRequestsError` if that is one too many."""
        if not self._seconds_each:
            return
        now = self._clock()
        self._forget(now)
        full_at = max(self._full_at.get(client, now), now) + self._seconds_each
        wait = full_at - now - PERIOD_SECONDS
        if wait > 1e-6:  # the sum of rounded parts of a minute may exceed it by less
            raise TooManyRequestsError(math.ceil(wait))
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)

    def _forget(self, now: float) -> None:
        """Drop the first clients whose allowance is full again: an unknown client has the same."""
        while self._full_at:
            client, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) < MAX_CLIENTS:
                return
            del self._full_at[client]
