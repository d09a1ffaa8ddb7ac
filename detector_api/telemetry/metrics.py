"""Metrics for Prometheus at /metrics: a registry for each app, as two apps in one process must not share counters."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from detector_api.telemetry.record import Part, RequestRecord

# From a thumbnail's decoding to the default deadline.
BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Metrics of one app. Every label has few values: never a path as it was sent."""

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name
        self._versions: dict[str, int | None] = {}  # by label
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._counter("detector_requests", "Requests answered.", "route", "status")
        self._seconds = self._histogram("detector_request_seconds", "From a request's head to its answer.", "route")
        self._parts: dict[Part, Histogram] = {
            "wait": self._histogram("detector_wait_seconds", "Waiting of a photo for its turn, if it had to."),
            "decode": self._histogram("detector_decode_seconds", "Decoding a photo, with the wait for a free thread."),
            "predict": self._histogram("detector_predict_seconds", "Asking the model, retries included."),
        }
        self._retries = self._counter("detector_serving_retries", "Calls of TensorFlow Serving made again.")
        self._model = Gauge(
            "detector_model_info",
            "The version that answered last, by the label it was asked by.",
            ["name", "version", "label"],
            registry=self.registry,
        )
        self.in_flight = self._gauge("detector_requests_in_flight", "Requests being answered.")
        self.photos_in_work = self._gauge("detector_photos_in_work", "Photos being decoded, or with the model.")
        self.photos_waiting = self._gauge("detector_photos_waiting", "Photos that wait for their turn.")
        self.admission_limit = self._gauge("detector_admission_limit", "Photos that may be in work at once.")
        self.photos_refused = self._counter("detector_photos_refused", "Photos refused for a wait that was too long.")
        self.upload_bytes = self._gauge("detector_upload_bytes", "Bytes of photos that are received or wait.")
        self.canary_percent = self._gauge("detector_canary_percent", "Share of the callers for the canary, 0 to 100.")
        self.canary_photos = self._counter(
            "detector_canary_photos",
            "Photos for the canary: answered, or asked again of `stable`.",
            "outcome",
        )
        self.circuit_open = self._gauge("detector_circuit_open", "1 while the model server does not answer, else 0.")

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request that has ended."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_work(self, record: RequestRecord) -> None:
        """Count what was done for a request."""
        for part, seconds in record.seconds.items():
            self._parts[part].observe(seconds)
        if record.retries:
            self._retries.inc(record.retries)
        label, version = record.model_label or "", record.model_version
        if version not in (None, self._versions.get(label)):
            if label in self._versions:
                self._model.remove(self._model_name, self._versions[label], label)
            self._versions[label] = version
            self._model.labels(self._model_name, version, label).set(1)

    def exposition(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, registry=self.registry)

    def _histogram(self, name: str, documentation: str, *labels: str) -> Histogram:
        return Histogram(name, documentation, labels, buckets=BUCKETS_SECONDS, registry=self.registry)
