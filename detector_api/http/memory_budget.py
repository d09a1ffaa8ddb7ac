"""Memory budget for uploads: a bound on the bytes of all photos sent alone, beside the limit for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from detector_api.errors import OverloadedError


class MemoryBudget:
    """A budget that the uploads of an app share."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0

    @contextmanager
    def reserve(self) -> Iterator[Callable[[int], None]]:
        """Yield a function to call with the size of each piece received; all sizes are given back at the end.

        The function raises `OverloadedError` if there is no room for the piece.
        """
        held = 0

        def add(size: int) -> None:
            nonlocal held
            if self._held_bytes + size > self._max_bytes:
                raise OverloadedError(f"{self._held_bytes} bytes of uploads are in memory")
            held += size
            self._held_bytes += size

        try:
            yield add
        finally:
            self._held_bytes -= held
