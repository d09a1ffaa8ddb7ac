"""Threads for what takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Workers:
    """Runs each task in a daemon thread of its own, at most `limit` at once (None: as many as there are)."""

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
