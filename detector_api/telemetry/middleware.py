"""The middleware that gives each request its id, its log line, and its place in the metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.record import RequestRecord, begin_record

if TYPE_CHECKING:
    from detector_api.telemetry.traces import Traces

# They come every few seconds from machines: they are not counted, and are logged when they fail.
PROBES = ("/livez", "/readyz", "/metrics")

logger = logging.getLogger(__name__)


class Telemetry:
    """Wrap it around everything else, so that a request is accounted for by what the caller gets in the end."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None) -> None:
        self.app = app
        self.metrics = metrics
        self.traces = traces
        self._refusals = Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id, and account for it when it has ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = begin_record(next((value for name, value in scope["headers"] if name == b"x-request-id"), None))

        async def receive_counted() -> Message:
            message = await receive()
            record.bytes_in += len(message.get("body", b""))
            return message

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", record.request_id.encode())]
            record.bytes_out += len(message.get("body", b""))
            await send(message)

        is_probe = scope["path"] in PROBES
        if not is_probe:
            self.metrics.in_flight.inc()
        trace = None if self.traces is None or is_probe else self.traces.begin(record, scope["headers"])
        record.trace = trace
        start = time.perf_counter()
        try:
            await self.app(scope, receive_counted, send_with_id)
        finally:
            seconds = time.perf_counter() - start
            # Its template: the path as sent is the caller's to choose, and would be a label for each.
            template = getattr(scope.get("route"), "path", None)
            route = template or record.refused_route or "none"
            if trace:
                trace.end(scope["method"], template)
            self.metrics.count_work(record)
            if not is_probe:
                self.metrics.in_flight.dec()
                self.metrics.count_request(route, record.status, seconds)
            if not self._refusals.is_quiet(record):
                _log(record, scope["method"], route, seconds, is_probe)


class Refusals:
    """Requests that are refused at once, of which the first in some seconds is logged: there may be thousands."""

    SECONDS = 10.0

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def is_quiet(self, record: RequestRecord) -> bool:
        """Tell whether a request gets no line: metrics count it."""
        if record.refused_route is None:
            return False
        now = time.monotonic()
        if now < self._quiet_until:
            return True
        self._quiet_until = now + self.SECONDS
        return False


def _log(record: RequestRecord, method: str, route: str, seconds: float, is_probe: bool) -> None:
    """Write the request's one line: no photo, no file name, no query, and of the path the route's template alone."""
    if record.status >= 500:
        level = logging.ERROR if record.exception else logging.WARNING
    else:
        level = logging.DEBUG if is_probe else logging.INFO
    fields = {
        "method": method,
        "route": route,
        "status": record.status,
        "duration_ms": _milliseconds(seconds),
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "wait_ms": _milliseconds(record.seconds.get("wait")),
        "decode_ms": _milliseconds(record.seconds.get("decode")),
        "predict_ms": _milliseconds(record.seconds.get("predict")),
        "model_version": record.model_version,
        "retries": record.retries,
        "photos": record.photos or None,
        "photos_failed": record.photos_failed or None,
        "code": record.error_code,
        "reason": record.reason,
    }
    message = "%(method)s %(route)s %(status)s in %(duration_ms)s ms"
    if record.reason:
        message += ", %(code)s: %(reason)s"
    logger.log(level, message, fields, exc_info=record.exception)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
