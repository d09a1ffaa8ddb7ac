"""Per-request record (a context variable) that metrics, traces and the log read."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, Protocol

# What nginx keeps, too: harmless in a log, a header and a shell.
_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

# nginx's status for a caller who has left before the answer.
CALLER_GONE = 499

Part = Literal["wait", "decode", "predict"]


class Trace(Protocol):
    """A request's trace for a collector: `traces.RequestTrace`."""

    def part(self, name: Part) -> AbstractContextManager[None]:
        """Trace the block as one part of the request."""

    def retried(self, reason: str) -> None:
        """Note in the part under way that a call is made again."""

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the gRPC metadata that tells a server which span its work belongs to."""


_UNTRACED = nullcontext()


@dataclass(slots=True)
class RequestRecord:
    """The record of one request; `reason` and `exception` are for the log and never for the caller."""

    request_id: str = ""
    status: int = CALLER_GONE
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: dict[Part, float] = field(default_factory=dict)
    model_version: int | None = None
    model_label: str | None = None
    retries: int = 0
    error_code: str | None = None
    reason: str | None = None
    exception: BaseException | None = None
    refused_route: str | None = None  # of a request that was refused before it was routed
    photos: int = 0  # of a request of many
    photos_failed: int = 0
    trace: Trace | None = None

    @contextmanager
    def timed(self, part: Part) -> Iterator[None]:
        """Add the time that the block takes to a part's."""
        start = time.perf_counter()
        try:
            with self.trace.part(part) if self.trace else _UNTRACED:
                yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start

    def retried(self, reason: str) -> None:
        """Count a call of the model server that is made again."""
        self.retries += 1
        if self.trace:
            self.trace.retried(reason)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the gRPC metadata that tells the model server which request its work belongs to."""
        return (("x-request-id", self.request_id), *(self.trace.metadata() if self.trace else ()))


_current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def begin_record(proposed_id: bytes | None) -> RequestRecord:
    """Start the record of the request that this task serves, under the caller's id if that is well-formed."""
    if proposed_id is not None and _WELL_FORMED_ID.fullmatch(proposed_id):
        record = RequestRecord(proposed_id.decode("ascii"))
    else:
        record = RequestRecord(f"{random.getrandbits(128):032x}")
    # Never reset: a task serves one request, and what the server logs of it after the app belongs to it as well.
    _current.set(record)
    return record


def begin_photo_record() -> RequestRecord:
    """Start the record of one photo among others of its request, under the request's id, for this task's next steps."""
    record = RequestRecord(current_record().request_id, trace=current_record().trace)
    _current.set(record)
    return record


def current_record() -> RequestRecord:
    """Return the record of the request being served; outside of one, a fresh record that nobody reads."""
    return _current.get() or RequestRecord()
