"""OpenTelemetry: of each request a span, and within it one for each part, sent to a collector in the background.

Imported only when `Settings.otlp_endpoint` is set. A span holds what the log line holds and nothing of the caller's: no
photo, file name, query or address.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from detector_api.telemetry.record import Part, RequestRecord

EXPORT_SECONDS = 5.0
# At the end, for what was not sent yet. A collector that does not answer then loses it.
FLUSH_SECONDS = 3.0
# The method is the caller's to choose; another than these is not repeated.
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
KINDS: dict[Part, SpanKind] = {"wait": SpanKind.INTERNAL, "decode": SpanKind.INTERNAL, "predict": SpanKind.CLIENT}

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE_HEADERS = (b"traceparent", b"tracestate")


class Traces:
    """Traces of an app's requests, exported over OTLP."""

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "dog-breed-gateway"}))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer(__name__)

    def begin(self, record: RequestRecord, headers: Iterable[tuple[bytes, bytes]]) -> RequestTrace:
        """Start the span of a request, within the caller's trace if it names one."""
        carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACE_HEADERS}
        return RequestTrace(self._tracer, record, _PROPAGATOR.extract(carrier, context.Context()))

    def shutdown(self) -> None:
        """Send what is left, and end. Blocks for some seconds at most."""
        give_up = threading.Timer(FLUSH_SECONDS, self._exporter.shutdown)
        give_up.start()
        self._provider.shutdown()
        give_up.cancel()


class RequestTrace:
    """The spans of one request; begin and end it in the task that serves the request."""

    def __init__(self, tracer: Tracer, record: RequestRecord, parent: context.Context) -> None:
        self._tracer = tracer
        self._record = record
        self._span = tracer.start_span("HTTP", parent, SpanKind.SERVER)
        self._token = context.attach(trace.set_span_in_context(self._span, parent))

    @contextmanager
    def part(self, name: Part) -> Iterator[None]:
        """Trace the block as one part of the request."""
        with self._tracer.start_as_current_span(
            name, kind=KINDS[name], record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                # Neither its text nor its traceback: they may hold addresses and paths.
                _fail(span, getattr(error, "code", type(error).__name__))
                raise

    def retried(self, reason: str) -> None:
        """Note in the part under way that a call is made again."""
        trace.get_current_span().add_event("retry", {"reason": reason})

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what tells a server which span its work belongs to."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return tuple(carrier.items())

    def end(self, method: str, route: str | None) -> None:
        """End the request's span; `route` is the template of its path, if there is one."""
        record, span = self._record, self._span
        method = method if method in METHODS else "_OTHER"
        span.update_name(f"{method} {route}" if route else method)
        attributes = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": record.status,
            "detector.request_id": record.request_id,
            "detector.model_version": record.model_version,
            "detector.retries": record.retries,
        }
        span.set_attributes({name: value for name, value in attributes.items() if value is not None})
        if record.status >= 500:
            _fail(span, record.error_code or str(record.status))
        elif record.error_code:
            span.set_attribute("error.type", record.error_code)  # the caller's mistake, and no failure of the gateway
        context.detach(self._token)
        span.end()


def _fail(span: Span, error_type: str) -> None:
    span.set_status(StatusCode.ERROR, error_type)
    span.set_attribute("error.type", error_type)
