"""One version of a model as the server keeps book of it.

A version goes START, LOADING, AVAILABLE, UNLOADING, END; one that fails to load goes from LOADING to END with an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from local_server.errors import ServingError
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
    """What a client is told of a version."""

    number: int
    state: State
    error: ServingError | None


@dataclass
class Version:
    """A version that was wanted at some time; `error` is set if it failed to load."""

    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    servable: Servable | None = None
    users: int = 0
    failures: int = 0  # loads that failed since it was last wanted anew
    loading: bool = False  # a load is under way, or waits for a thread
    retry_at: float = 0.0  # when the next load is due, on the monotonic clock

    def status(self) -> VersionStatus:
        """Return what a client is told of this version now."""
        return VersionStatus(self.number, self.state, self.error)
