"""The versions of one model that were ever wanted, as all threads see them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from local_server.errors import NotFoundError
from local_server.lifecycle.version import State, Version, VersionStatus


class Versions:
    """Finds versions by number. `changed` is the re-entrant lock of it all, and tells of each change of a state."""

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
        """Let go of a version."""
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
