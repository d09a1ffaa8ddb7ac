"""Versions of a model, shared by all threads: every version that was ever wanted, and its state.

A version goes START, LOADING, AVAILABLE, UNLOADING, END; one that fails to load goes from LOADING to END with an error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from local_server.errors import NotFoundError, StatusError
from local_server.inference.servable import Servable


class State(IntEnum):
    """The life of a version, numbered as in GetModelStatus."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """Status of a version, as clients see it."""

    number: int
    state: State
    error: StatusError | None


@dataclass
class Version:
    """A version that was wanted at some time; `error` is set if it failed to load."""

    number: int
    path: Path
    state: State = State.START
    error: StatusError | None = None
    servable: Servable | None = None
    users: int = 0
    failures: int = 0  # loads that failed since it was last wanted anew
    loading: bool = False  # a load is under way, or waits for a thread
    retry_at: float = 0.0  # when the next load is due, on the monotonic clock
    last_change: float = 0.0  # of its files, as the load that failed last saw them

    def status(self) -> VersionStatus:
        """Return the current status."""
        return VersionStatus(self.number, self.state, self.error)


class Versions:
    """Versions by number. `changed` is their re-entrant lock; it is notified of each change of a state."""

    def __init__(self, model: str) -> None:
        self.changed = threading.Condition()
        self._model = model
        self._all: dict[int, Version] = {}
        self._available: dict[int, Version] = {}  # replaced, never changed, so that it can be read without the lock
        self._newest: Version | None = None

    def __iter__(self) -> Iterator[Version]:
        return iter(self._all.values())

    def get(self, number: int) -> Version | None:
        """Return a version, None if it was never wanted."""
        return self._all.get(number)

    def add(self, version: Version) -> Version:
        """Keep a version, instead of an earlier one of the same number; return it."""
        with self.changed:
            self._all[version.number] = version
        return version

    def move(self, version: Version, state: State) -> None:
        """Change the state of a version."""
        with self.changed:
            version.state = state
            self._available = {each.number: each for each in self if each.state is State.AVAILABLE}
            self._newest = self._available[max(self._available)] if self._available else None
            self.changed.notify_all()

    def available(self) -> dict[int, Version]:
        """Return the versions that serve, by number."""
        return self._available

    def hold(self, number: int | None) -> Version:
        """Keep a version (None: the newest that serves) in memory until it is released; return it."""
        with self.changed:
            version = self._newest if number is None else self._available.get(number)
            if version is None:
                request = f"Latest({self._model})" if number is None else f"Specific({self._model}, {number})"
                raise NotFoundError(f"Servable not found for request: {request}")
            version.users += 1
            return version

    def release(self, version: Version) -> None:
        """Release a version that `hold` returned."""
        with self.changed:
            version.users -= 1
            if not version.users and version.state is not State.AVAILABLE:
                self.changed.notify_all()

    def status(self, number: int | None) -> list[VersionStatus]:
        """Return the status of every version, newest first, or of the one named; raise NotFoundError if none is."""
        with self.changed:
            found = [
                self._all[each].status() for each in sorted(self._all, reverse=True) if number is None or each == number
            ]
        if found:
            return found
        what = "any versions" if number is None else f"version {number}"
        raise NotFoundError(f"Could not find {what} of model {self._model}")
