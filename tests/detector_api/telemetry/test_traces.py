"""Traces reach a real OTLP receiver as a tree of spans, hold nothing of the caller's, and never harm a request."""

from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from detector_api.main import create_app
from detector_api.settings import Settings
from detector_api.telemetry.record import RequestRecord
from detector_api.telemetry.traces import FLUSH_SECONDS, Traces

PREDICT = "/api/v1/predict_breed"
TRACE_ID, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "rex-at-home"


class Collector(ThreadingHTTPServer):
    """A stand-in for an OpenTelemetry collector: OTLP in protobuf over HTTP, at /v1/traces."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.requests: queue.Queue[ExportTraceServiceRequest] = queue.Queue()
        self.endpoint = f"http://127.0.0.1:{self.server_port}"

    def spans(self, count: int) -> list[Span]:
        """Wait for so many spans, and return all that came with them."""
        found: list[Span] = []
        while len(found) < count:
            request = self.requests.get(timeout=60)
            found += [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
        return found


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.put(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A running receiver, to which spans are sent as soon as they end."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def traced(serving: Any, collector: Collector, start_gateway: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of a gateway that sends its traces to the collector."""
    return start_gateway(serving_address=serving.address, otlp_endpoint=collector.endpoint)


def values(span: Span) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


def by_name(spans: list[Span]) -> dict[str, Span]:
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


def test_photo_is_a_tree_of_spans_in_the_callers_trace(
    traced: httpx.Client, collector: Collector, serving: Any, photo: bytes
) -> None:
    """Request, decoding and question are spans of the caller's trace, which the model server is told as well."""
    headers = {"traceparent": f"00-{TRACE_ID}-{CALLERS_SPAN}-01", "X-Request-ID": "Rex_1"}
    assert traced.post(PREDICT, files={"dog_image": photo}, headers=headers).status_code == 200
    spans = by_name(collector.spans(3))
    request, decode, predict = spans[f"POST {PREDICT}"], spans["decode"], spans["predict"]

    assert {span.trace_id.hex() for span in spans.values()} == {TRACE_ID}
    assert request.parent_span_id.hex() == CALLERS_SPAN
    assert decode.parent_span_id == predict.parent_span_id == request.span_id
    assert (request.kind, predict.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert request.start_time_unix_nano <= decode.start_time_unix_nano <= decode.end_time_unix_nano
    assert decode.end_time_unix_nano <= predict.start_time_unix_nano <= request.end_time_unix_nano
    assert values(request) == {
        "http.request.method": "POST",
        "http.route": PREDICT,
        "http.response.status_code": 200,
        "detector.request_id": "Rex_1",
        "detector.model_version": 3,
        "detector.retries": 0,
    }
    assert all(span.status.code == Status.STATUS_CODE_UNSET for span in spans.values())
    assert serving.metadata[-1]["traceparent"] == f"00-{TRACE_ID}-{predict.span_id.hex()}-01"


def test_photo_without_a_trace_starts_one(traced: httpx.Client, collector: Collector, photo: bytes) -> None:
    """Requests of callers who trace nothing, or name a trace that is none, are a trace each."""
    for traceparent in ("", "00-not-a-trace-01"):
        traced.post(PREDICT, files={"dog_image": photo}, headers={"traceparent": traceparent})
    spans = collector.spans(6)
    assert len({span.trace_id for span in spans}) == 2
    assert sum(not span.parent_span_id for span in spans) == 2


def test_request_that_the_caller_does_not_sample_is_not_recorded(
    traced: httpx.Client, collector: Collector, serving: Any, photo: bytes
) -> None:
    """A caller who does not record his trace gets no span in it, and the model server is told the same."""
    headers = {"traceparent": f"00-{TRACE_ID}-{CALLERS_SPAN}-00"}
    traced.post(PREDICT, files={"dog_image": photo}, headers=headers)
    assert serving.metadata[-1]["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert serving.metadata[-1]["traceparent"].endswith("-00")
    traced.get("/api/v1/model")
    assert [span.name for span in collector.spans(1)] == ["GET /api/v1/model"]


def test_retry_is_an_event_of_its_part_and_failure_its_status(
    traced: httpx.Client, collector: Collector, serving: Any, photo: bytes
) -> None:
    """A failed question has each retry as an event, and question and request have the status of an error."""
    traced.get("/api/v1/model")
    traced.post(PREDICT, files={"dog_image": photo})
    collector.spans(4)
    serving.failure = (grpc.StatusCode.UNAVAILABLE, f"gone from 10.1.2.3 /srv/{SECRET}")
    assert traced.post(PREDICT, files={"dog_image": photo}).status_code == 503
    spans = by_name(collector.spans(3))
    predict, request = spans["predict"], spans[f"POST {PREDICT}"]
    assert [event.name for event in predict.events] == ["retry"] * 3
    assert {span.status.code for span in (predict, request)} == {Status.STATUS_CODE_ERROR}
    assert values(request)["error.type"] == values(predict)["error.type"] == "model_unavailable"
    assert values(request)["detector.retries"] == 3
    assert spans["decode"].status.code == Status.STATUS_CODE_UNSET
    assert SECRET not in str(spans)
    assert "10.1.2.3" not in str(spans)


def test_callers_mistake_is_no_failure_of_the_gateway(traced: httpx.Client, collector: Collector, photo: bytes) -> None:
    """A damaged photo is an error of its decoding, and told of the request without the status of an error."""
    assert traced.post(PREDICT, files={"dog_image": photo[:60]}).status_code == 422
    spans = by_name(collector.spans(2))
    assert spans["decode"].status.code == Status.STATUS_CODE_ERROR
    assert spans[f"POST {PREDICT}"].status.code == Status.STATUS_CODE_UNSET
    assert values(spans[f"POST {PREDICT}"])["error.type"] == "damaged_image"


def test_stream_is_one_trace_with_each_photo_in_it(traced: httpx.Client, collector: Collector, photo: bytes) -> None:
    """The parts of all photos of a stream are within its one request."""
    traced.post("/api/v1/predict_breeds", files=[("dog_image", photo)] * 3)
    spans = collector.spans(7)
    (request,) = (span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    assert (
        sorted(span.name for span in spans if span.parent_span_id == request.span_id)
        == ["decode"] * 3 + ["predict"] * 3
    )


def test_spans_hold_nothing_of_the_caller(traced: httpx.Client, collector: Collector, photo: bytes) -> None:
    """Photo, file name, query, path as sent, method as sent and address are in no span."""
    url = f"{PREDICT}?{SECRET}={SECRET}"
    headers = {"User-Agent": SECRET, "Referer": SECRET, "Cookie": SECRET, "baggage": f"name={SECRET}"}
    traced.post(url, files={"dog_image": (f"{SECRET}.png", photo)}, headers=headers)
    traced.post(url, files={"dog_image": (f"{SECRET}.png", SECRET.encode())}, headers=headers)
    traced.request("PROPFIND", f"/api/v1/{SECRET}", headers=headers)
    traced.get(f"/api/v1/{SECRET}", headers=headers)
    told = str(collector.spans(7))
    assert "_OTHER" in told
    for private in (SECRET, "PROPFIND", "127.0.0.1", "IDAT"):
        assert private not in told


def test_probe_is_not_traced(traced: httpx.Client, collector: Collector) -> None:
    """Probes come every few seconds and would bury the rest."""
    for path in ("/livez", "/readyz", "/metrics", "/api/v1/model"):
        traced.get(path)
    assert [span.name for span in collector.spans(1)] == ["GET /api/v1/model"]


def test_traces_off_loads_nothing_of_them() -> None:
    """Without the setting the SDK is not imported."""
    code = (
        "import sys; from detector_api.main import create_app; create_app(); print('opentelemetry.sdk' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "False", run.stderr


def test_shutdown_sends_what_is_left(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span that waits for the next batch goes out when the app ends."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    app = create_app(Settings(serving_address="127.0.0.1:1", otlp_endpoint=collector.endpoint))

    async def ask_once() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
        ):
            await client.post(PREDICT)
            assert collector.requests.empty()

    asyncio.run(ask_once())
    assert [span.name for span in collector.spans(1)] == [f"POST {PREDICT}"]


@pytest.mark.parametrize("kind", ["absent", "silent"])
def test_dead_collector_harms_no_request(
    serving: Any, start_gateway: Callable[..., httpx.Client], photo: bytes, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Photos are answered though nobody takes the spans, or somebody takes them and never answers."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if kind == "absent":
            listener.close()
        gateway = start_gateway(serving_address=serving.address, otlp_endpoint=f"http://127.0.0.1:{port}")
        for _ in range(30):
            assert gateway.post(PREDICT, files={"dog_image": photo}).status_code == 200


def test_shutdown_before_a_silent_collector_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes a connection and never answers does not keep the gateway from ending."""
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        traces = Traces(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(20):
            traces.begin(RequestRecord("an-id"), ()).end("GET", None)
        ending = threading.Thread(target=traces.shutdown)
        ending.start()
        ending.join(60 + FLUSH_SECONDS)
        assert not ending.is_alive()
