"""uvicorn's HTTP protocol with limits on the time and bytes that a client may take.

A client who is waited for owes something: the rest of a request's head, of a body that nobody reads any more, or the
reading of its answer. Here it gets so many seconds for that, and then loses the connection. The body of a photo that is
being read is waited for in `uploads.py`, which can still answer.
"""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from detector_api import errors
from detector_api.http.departure import DEPARTURE, Departure
from detector_api.http.headers import ENCODED_HEADERS
from detector_api.http.problems import MEDIA_TYPE, problem
from detector_api.http.upgrade import UpgradeIgnoringProtocol
from detector_api.settings import Settings
from detector_api.telemetry.logs import configuration
from detector_api.telemetry.record import begin_record

# In a request's scope: an `asyncio.Event` that is set when the server is about to end.
CLOSING = "closing"

logger = logging.getLogger(__name__)


def server_config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """Return how uvicorn serves the gateway, alone or within another app; `options` go before these."""
    protocol = partial(BoundedProtocol, settings.idle_seconds, settings.max_head_bytes)
    defaults: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": cast(type[asyncio.Protocol], protocol),
        "ws": "none",
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "server_header": False,
        "log_config": configuration(settings.log_format),
        # What was taken is answered when the gateway ends; some seconds more are for sending it.
        "timeout_graceful_shutdown": math.ceil(settings.deadline_seconds) + 5,
        "access_log": False,  # `telemetry` writes a line for each request that says more
    }
    return uvicorn.Config(app, **(defaults | options))


class BoundedProtocol(UpgradeIgnoringProtocol):
    """uvicorn's protocol for a connection, with the limits that it lacks: idle seconds and head bytes."""

    def __init__(self, idle_seconds: float, max_head_bytes: int, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._idle_seconds = idle_seconds
        self._max_head_bytes = max_head_bytes
        # Since the last byte of a body: a head, or what chunks and trailers have beside the body's own bytes.
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._closing = asyncio.Event()
        self._departure: Departure | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes, and start the timer for the rest of a head if one is due."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_bytes > self._max_head_bytes:
            self._refuse(errors.HeadTooLargeError())
        elif self.cycle is None or self.cycle.response_complete:
            # uvicorn waits for nothing once a byte has come. Not begun anew by each byte: a drop now and then would do.
            self._wait_for_head()

    def pause_writing(self) -> None:
        """Start the timer for the client to read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer: the client has read."""
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers, and the work for an answer that nobody will read."""
        super().connection_lost(exc)
        if self._departure:
            self._departure.happen()
        self._stop_head_timer()
        self._stop_write_timer()

    # What the parser calls.

    def on_headers_complete(self) -> None:
        """Accept the request, unless its head came in one piece that was too large."""
        head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if head_bytes > self._max_head_bytes:
            self._refuse(errors.HeadTooLargeError())
            raise ValueError("the head is too large")  # so that the parser stops
        if self.offers_upgrade:
            return
        self._stop_head_timer()
        super().on_headers_complete()
        self._departure = Departure(self.transport)
        cast(dict[str, Any], self.cycle.scope).update({CLOSING: self._closing, DEPARTURE: self._departure})

    def on_body(self, body: bytes) -> None:
        """Reset the count: the reader of the body counts its bytes."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Reset the count for the next head."""
        self._head_bytes = 0
        super().on_message_complete()

    # What the server calls.

    def shutdown(self) -> None:
        """Tell long requests to end early, as the server ends."""
        self._closing.set()
        super().shutdown()

    # What the base calls.

    def on_response_complete(self) -> None:
        """Start the timer for reading the answer if the connection closes after it."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that the parser finds are not HTTP."""
        self._refuse(errors.MalformedRequestError())

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._idle_seconds, self.transport.abort)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _refuse(self, error: errors.RequestError) -> None:
        """Answer before there is a request for the app, and close."""
        if self.transport.is_closing():
            return
        record = begin_record(None)
        logger.warning("connection refused: %(status)s %(code)s", {"status": error.status, "code": error.code})
        body = problem(error.status, error.code, error.detail, record.request_id).model_dump_json().encode()
        headers = [
            *self.server_state.default_headers,
            *ENCODED_HEADERS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", record.request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()
