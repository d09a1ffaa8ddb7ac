"""How much of photos sent alone is held in memory at once: a bound for all of them, beside that for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from detector_api.errors import OverloadedError


class Buffers:
    """Use one for the life of an app."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Yield what to call with the size of each piece received; all of them are given back at the end.

        It raises `OverloadedError` if there is no room for the piece.
        """
        held = 0

        def add(size: int) -> None:
            nonlocal held
            if self._held_bytes + size > self._max_bytes:
                raise OverloadedError(f"{self._held_bytes} bytes of uploads are held")
            held += size
            self._held_bytes += size

        try:
            yield add
        finally:
            self._held_bytes -= held
