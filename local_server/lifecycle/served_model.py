"""A served model: its wanted versions, their loading and unloading.

The versions that the policy chooses among those on disk are wanted. They are loaded and warmed up before the ones they
replace are unloaded, and each of these is closed when its last request has ended. A version that fails to load changes
nothing for those that serve. As in TensorFlow Serving, a version is known by its number alone: the same number under
another base path is not loaded anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from local_server.config.models import ModelConfig
from local_server.errors import DeadlineExceededError, StatusError, UnavailableError, as_status_error
from local_server.lifecycle.loader import Loader
from local_server.lifecycle.storage import last_change, versions_in
from local_server.lifecycle.versions import State, Version, Versions, VersionStatus

_log = logging.getLogger(__name__)


class ServedModel:
    """A model and its versions. One thread calls `look` and `reconcile`, any thread the rest; `wake` wakes it."""

    def __init__(self, name: str, loader: Loader, wake: Callable[[], None]) -> None:
        self.name = name
        self.versions = Versions(name)
        self._loader = loader
        self._wake = wake
        self._config: ModelConfig | None = None
        self._wanted: dict[int, Path] = {}
        self._warning = ""
        self._changed = self.versions.changed  # guards all of the above

    def configure(self, config: ModelConfig | None) -> None:
        """Serve what `config` says from the next look on; None: nothing, at once."""
        with self._changed:
            self._config = config
            if config is None:
                self._wanted = {}
                self._warning = ""
                for version in self.versions:
                    if version.state is State.END:
                        version.failures = 0  # should it be wanted again, it gets a new chance
            self._changed.notify_all()

    def wait(self, deadline: float | None) -> list[VersionStatus]:
        """Block until a version serves and return nothing, or until all have failed for good and return those.

        Raises DeadlineExceededError at the deadline, a time on the monotonic clock, and UnavailableError if the model
        is no longer to be served.
        """
        with self._changed:
            while not self.versions.available():
                if self._config is None:
                    raise UnavailableError(f"Model {self.name} was removed before it became available")
                versions = map(self.versions.get, self._wanted)
                failed = [version for version in versions if version and version.error and version.failures]
                if failed and len(failed) == len(self._wanted):
                    return [version.status() for version in failed]
                if not self._changed.wait(None if deadline is None else max(0, deadline - time.monotonic())):
                    raise DeadlineExceededError(f"Model {self.name} did not become available in time")
        return []

    def look(self) -> None:
        """Read which versions there are on disk. A base path that cannot be read changes nothing."""
        config = self._config
        if config is None:
            return
        try:
            on_disk = versions_in(config.base_path)
        except StatusError as error:
            self._warn(f"Servable {self.name}: {error.message}")
            return
        wanted = {number: on_disk[number] for number in config.policy.choose(on_disk)}
        warning = ""
        if not wanted:
            warning = (
                f"No versions of servable {self.name} found under base path {config.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        elif missing := (config.policy.specific or frozenset()).difference(wanted):
            warning = f"Versions {sorted(missing)} of servable {self.name} were not found in the file system"
        self._warn(warning)
        with self._changed:
            if self._config is config:  # else another look is due
                self._wanted = wanted
        self._forgive_changed()

    def reconcile(self) -> float | None:
        """Begin the loads and unloads that are due; return the seconds until a failed load is due again, if any."""
        with self._changed:
            self._forget()
            due = [self._ensure_loaded(number, path) for number, path in self._wanted.items()]
            available = self.versions.available()
            if not self._wanted or not available.keys().isdisjoint(self._wanted):
                for version in available.values():
                    if version.number not in self._wanted:
                        unload = partial(self._unload, version)
                        self._loader.unload_workers.submit(unload)  # raises without threads left
                        self.versions.move(version, State.UNLOADING)
        return min((seconds for seconds in due if seconds is not None), default=None)

    def wait_for_end(self, seconds: float) -> None:
        """Return when every version is unloaded, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: all(version.state is State.END for version in self.versions), seconds)

    def _forgive_changed(self) -> None:
        """Load versions anew that failed before their files were complete, whatever the number of retries."""
        failed = [version for version in self.versions if version.failures and version.number in self._wanted]
        for version in failed:
            if last_change(version.path) > version.last_change:
                with self._changed:
                    version.failures = 0
                    version.retry_at = 0.0

    def _forget(self) -> None:
        for version in self.versions:
            if version.number in self._wanted:
                continue
            version.failures = 0  # should it be wanted again, it gets a new chance
            if version.state in (State.START, State.LOADING) and not version.loading:
                self.versions.move(version, State.END)

    def _ensure_loaded(self, number: int, path: Path) -> float | None:
        version = self.versions.get(number)
        if version is None or (version.state is State.END and not version.failures):
            version = self.versions.add(Version(number, path))
        if version.state not in (State.START, State.LOADING) or version.loading:
            return None
        if (wait := version.retry_at - time.monotonic()) > 0:
            return wait
        self.versions.move(version, State.LOADING)
        self._loader.load_workers.submit(partial(self._load, version))
        version.loading = True
        return None

    def _load(self, version: Version) -> None:
        with self._changed:
            if version.number not in self._wanted:  # any more
                version.loading = False
                self.versions.move(version, State.END)
                return
        _log.info("Loading {name: %s version: %d} from %s", self.name, version.number, version.path)
        servable, error, changed = None, None, 0.0
        try:
            servable = self._loader.load(version.path)
        except Exception as exception:
            error = as_status_error(exception)
            _log.error("Loading {name: %s version: %d} failed: %s", self.name, version.number, error)
            changed = last_change(version.path)
        with self._changed:
            version.loading = False
            if error:
                self._note_failure(version, error, changed)
            elif version.number in self._wanted:
                version.servable, servable = servable, None
                self.versions.move(version, State.AVAILABLE)
            else:  # it came too late
                self.versions.move(version, State.END)
        if servable is not None:
            servable.close()
        elif not error:
            _log.info("Successfully loaded servable version {name: %s version: %d}", self.name, version.number)
        self._wake()

    def _note_failure(self, version: Version, error: StatusError, changed: float) -> None:
        wanted = version.number in self._wanted
        version.last_change = changed
        quiet = time.time() - changed
        if wanted and 0 <= quiet < self._loader.settle_seconds:
            version.retry_at = time.monotonic() + self._loader.settle_seconds - quiet
            return
        version.failures = version.failures + 1 if wanted else 0
        if version.failures > self._loader.retries or not wanted:
            version.error = error
            self.versions.move(version, State.END)
        else:
            version.retry_at = time.monotonic() + self._loader.retry_seconds

    def _unload(self, version: Version) -> None:
        with self._changed:
            self._changed.wait_for(lambda: version.users == 0)
            servable, version.servable = version.servable, None
        assert servable is not None
        servable.close()
        _log.info("Unloaded {name: %s version: %d}", self.name, version.number)
        self.versions.move(version, State.END)
        self._wake()

    def _warn(self, warning: str) -> None:
        with self._changed:
            is_new, self._warning = warning != self._warning, warning
        if warning and is_new:
            _log.warning("%s", warning)
