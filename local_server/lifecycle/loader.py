"""Loading and unloading of versions: the function that loads, its threads and its retries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_server.inference.servable import Servable


class Workers:
    """Threads for long tasks: one daemon thread a task, at most `limit` at once (None: no limit)."""

    def __init__(self, name: str, limit: int | None) -> None:
        self._name = name
        self._slots = threading.Semaphore(limit) if limit is not None else None

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task as soon as there is a slot."""
        threading.Thread(target=self._run, args=(task,), name=self._name, daemon=True).start()

    def _run(self, task: Callable[[], None]) -> None:
        if self._slots is None:
            task()
        else:
            with self._slots:
                task()


@dataclass(frozen=True)
class Loader:
    """Loads and unloads versions; a failed load is tried again `retries` times, `retry_seconds` apart.

    Files that changed in the last `settle_seconds` are still being copied: such a failure does not count.
    """

    load: Callable[[Path], Servable]
    load_workers: Workers
    unload_workers: Workers
    retries: int
    retry_seconds: float
    settle_seconds: float = 1.0
