"""The metrics of this process, under TensorFlow Serving's names; times are in microseconds.

They are always counted, which costs some microseconds a request, and shown if the monitoring configuration says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from local_server.errors import Code, as_status_error
from local_server.monitoring.metrics import Counter, Histogram, Metric, exponential

# From 10 microseconds to about 20 minutes, as in TensorFlow Serving.
_LATENCIES = exponential(10, 1.8, 33)

LOAD_ATTEMPTS = Counter(":tensorflow:cc:saved_model:load_attempt_count", ("model_path", "status"))
LOAD_LATENCY = Counter(":tensorflow:cc:saved_model:load_latency", ("model_path",))
WARMUP_LATENCY = Histogram(":tensorflow:serving:model_warmup_latency", ("model_path", "status"), _LATENCIES)
REQUESTS = Counter(":tensorflow:serving:request_count", ("model_name", "status"))
REQUEST_LATENCY = Histogram(":tensorflow:serving:request_latency", ("model_name", "API", "entrypoint"), _LATENCIES)
RUNTIME_LATENCY = Histogram(":tensorflow:serving:runtime_latency", ("model_name", "API", "runtime"), _LATENCIES)
QUEUING_LATENCY = Histogram(
    ":tensorflow:serving:batching_session:queuing_latency", ("thread_pool_name",), exponential(100, 1.2, 52)
)
BATCHES = Counter(":tensorflow:serving:batching_session:wrapped_run_count", ())

ALL: list[Metric] = [
    LOAD_ATTEMPTS,
    LOAD_LATENCY,
    WARMUP_LATENCY,
    REQUESTS,
    REQUEST_LATENCY,
    RUNTIME_LATENCY,
    QUEUING_LATENCY,
    BATCHES,
]

_current = threading.local()  # the labels of the request that the thread is at


def increases(names: Iterable[str], since: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return how much counters have grown, by their names with `/` or `:`; unknown ones are 0.

    As in TensorFlow Serving, only the first series of each counts.
    """
    counters = {metric.name: metric for metric in ALL if isinstance(metric, Counter)}
    values = {}
    for name in sorted(set(names)):
        counter = counters.get(name.replace("/", ":"))
        values[name] = (counter.first_value() if counter else 0) - (since or {}).get(name, 0)
    return values


def microseconds_since(start: float) -> int:
    """Return the time since `start` on the performance counter."""
    return int((time.perf_counter() - start) * 1e6)


class observed:  # noqa: N801 - used as a context manager, like a function
    """Count the request for a model that the block answers, and time it if it succeeds."""

    def __init__(self, model: str, api: str, entrypoint: str) -> None:
        self._labels = (model, api, entrypoint)

    def __enter__(self) -> None:
        _current.labels = self._labels
        self._start = time.perf_counter()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        _current.labels = None
        code = as_status_error(error).code if isinstance(error, Exception) else Code.OK
        REQUESTS.add(1, self._labels[0], code.name)
        if code is Code.OK:
            REQUEST_LATENCY.add(microseconds_since(self._start), *self._labels)


def record_run(start: float) -> None:
    """Time a run of the model for the request that this thread is at, if any; warm-up belongs to none."""
    labels = getattr(_current, "labels", None)
    if labels:
        RUNTIME_LATENCY.add(microseconds_since(start), labels[0], labels[1].capitalize(), "TF1")


@contextmanager
def warming_up(model_path: str) -> Iterator[None]:
    """Time the warm-up that the block does."""
    start = time.perf_counter()
    status = Code.OK.name
    try:
        yield
    except Exception as error:
        status = str(as_status_error(error))
        raise
    finally:
        WARMUP_LATENCY.add(microseconds_since(start), model_path, status)


@contextmanager
def loading(model_path: str) -> Iterator[None]:
    """Count the load that the block does, and time it if it succeeds."""
    start = time.perf_counter()
    try:
        yield
    except Exception:
        LOAD_ATTEMPTS.add(1, model_path, "fail")
        raise
    LOAD_ATTEMPTS.add(1, model_path, "success")
    LOAD_LATENCY.add(microseconds_since(start), model_path)
