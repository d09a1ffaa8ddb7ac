"""The versions of one model: which exist on disk, which are loaded, which serve, and what became of the others.

The latest on disk is wanted. It is loaded and warmed up before the one it replaces is unloaded, and that one is closed
when its last request has ended. A version that fails to load changes nothing for the one that serves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_serving.server.errors import NotFoundError, ServingError, as_serving_error
from model_serving.server.inference.servable import Servable
from model_serving.server.lifecycle.version import State, Version, VersionStatus

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve, and how often a failed load is tried again, how many seconds apart."""

    name: str
    base_path: Path
    load_retries: int = 5
    load_retry_seconds: float = 60


class Model:
    """One served model. `look` and `reconcile` are called by one thread, the rest by any."""

    def __init__(self, config: ModelConfig, load: Callable[[Path], Servable]) -> None:
        self.name = config.name
        self._config = config
        self._load = load
        self._on_disk: dict[int, Path] = {}
        self._complaint = ""
        self._versions: dict[int, Version] = {}
        self._changed = threading.Condition()  # re-entrant, guards the versions
        self._unloaders: list[threading.Thread] = []

    @contextmanager
    def acquire(self, number: int | None = None) -> Iterator[tuple[int, Servable]]:
        """Hold a version (None: the newest that serves) in memory for the block; yield its number and servable."""
        with self._changed:
            version = self._serving(number)
            version.users += 1
        try:
            assert version.servable is not None
            yield version.number, version.servable
        finally:
            with self._changed:
                version.users -= 1
                self._changed.notify_all()

    def status(self, number: int | None = None) -> list[VersionStatus]:
        """Return the status of every version ever wanted, newest first, or of the one named."""
        with self._changed:
            found = [
                version.status()
                for version in sorted(self._versions.values(), key=lambda version: -version.number)
                if number is None or version.number == number
            ]
        if found:
            return found
        if number is None:
            raise NotFoundError(f"Could not find any versions of model {self.name}")
        raise NotFoundError(f"Could not find version {number} of model {self.name}")

    def wait_until_available(self) -> None:
        """Block until a version serves; raise ServingError if the one wanted has failed for good."""
        with self._changed:
            while not any(version.state is State.AVAILABLE for version in self._versions.values()):
                for version in self._versions.values():
                    if version.state is State.END and version.error:
                        raise ServingError(
                            "1 servable(s) did not become available: "
                            f"{{{{name: {self.name} version: {version.number}}} due to error: {version.error}}}"
                        )
                self._changed.wait()

    def look(self) -> None:
        """Read which versions there are on disk. A base path that cannot be read changes nothing."""
        base_path = self._config.base_path
        try:
            children = list(base_path.iterdir())
        except OSError as error:
            self._complain(f"Could not find base path {base_path} for servable {self.name}: {error.strerror}")
            return
        self._on_disk = {int(child.name): child for child in children if _is_version(child)}
        self._complain(
            ""
            if self._on_disk
            else f"No versions of servable {self.name} found under base path {base_path}. "
            "Did you forget to name your leaf directory as a number (eg. '/1/')?"
        )
        with self._changed:
            for version in self._versions.values():
                if version.number not in self._on_disk:
                    version.failures = 0  # should it come back, it is another one and gets a new chance

    def reconcile(self) -> float | None:
        """Load what is wanted, then unload what is not; return the seconds until a failed load is due again, if any."""
        wanted = self._wanted()
        for version in self._in_state(State.START, State.LOADING):
            if version not in wanted:  # its load was to be tried again, but a newer one has come
                self._move(version, State.END)
        due = [self._ensure_loaded(version) for version in wanted]
        if not wanted or any(version.state is State.AVAILABLE for version in wanted):
            for version in self._in_state(State.AVAILABLE):
                if version not in wanted:
                    self._unload(version)
        return min((seconds for seconds in due if seconds is not None), default=None)

    def close(self, seconds: float) -> None:
        """Unload everything as its last request ends; return when all is done, or after so many seconds."""
        for version in self._in_state(State.AVAILABLE):
            self._unload(version)
        deadline = time.monotonic() + seconds
        for unloader in self._unloaders:
            unloader.join(max(0, deadline - time.monotonic()))

    def _serving(self, number: int | None) -> Version:
        available = self._in_state(State.AVAILABLE)
        if number is None and available:
            return max(available, key=lambda version: version.number)
        for version in available:
            if version.number == number:
                return version
        request = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
        raise NotFoundError(f"Servable not found for request: {request}")

    def _in_state(self, *states: State) -> list[Version]:
        with self._changed:
            return [version for version in self._versions.values() if version.state in states]

    def _wanted(self) -> list[Version]:
        if not self._on_disk:
            return []
        number = max(self._on_disk)
        with self._changed:
            version = self._versions.get(number)
            if version is None or (version.state is State.END and version.failures == 0):
                version = self._versions[number] = Version(number, self._on_disk[number])
        return [version]

    def _ensure_loaded(self, version: Version) -> float | None:
        if version.state not in (State.START, State.LOADING):
            return None
        if (wait := version.retry_at - time.monotonic()) > 0:
            return wait
        self._move(version, State.LOADING)
        _log.info("Loading {name: %s version: %d} from %s", self.name, version.number, version.path)
        try:
            version.servable = self._load(version.path)
        except Exception as error:
            return self._note_failure(version, as_serving_error(error))
        _log.info("Successfully loaded servable version {name: %s version: %d}", self.name, version.number)
        self._move(version, State.AVAILABLE)
        return None

    def _note_failure(self, version: Version, error: ServingError) -> float | None:
        version.failures += 1
        _log.error("Loading {name: %s version: %d} failed: %s", self.name, version.number, error)
        if version.failures > self._config.load_retries:
            version.error = error
            self._move(version, State.END)
            return None
        version.retry_at = time.monotonic() + self._config.load_retry_seconds
        return self._config.load_retry_seconds

    def _unload(self, version: Version) -> None:
        self._move(version, State.UNLOADING)
        # A thread of its own, so that one slow request does not keep newer versions from being loaded.
        unloader = threading.Thread(target=self._close_when_unused, args=(version,), daemon=True)
        self._unloaders = [*(thread for thread in self._unloaders if thread.is_alive()), unloader]
        unloader.start()

    def _close_when_unused(self, version: Version) -> None:
        with self._changed:
            self._changed.wait_for(lambda: version.users == 0)
            servable, version.servable = version.servable, None
        assert servable is not None
        servable.close()
        _log.info("Unloaded {name: %s version: %d}", self.name, version.number)
        self._move(version, State.END)

    def _move(self, version: Version, state: State) -> None:
        with self._changed:
            version.state = state
            self._changed.notify_all()

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            _log.warning("%s", complaint)
        self._complaint = complaint


def _is_version(child: Path) -> bool:
    return child.name.isascii() and child.name.isdigit() and child.is_dir()
