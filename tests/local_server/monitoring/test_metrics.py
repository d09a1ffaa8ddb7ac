"""The text that Prometheus reads is TensorFlow Serving's."""

from __future__ import annotations

from local_server.monitoring import metrics
from local_server.monitoring.metrics import Counter, Histogram, exponential, exposition


def test_exposition_of_counter_has_type_labels_and_whole_number():
    """A counter is a line for each set of values of its labels, under its type."""
    counter = Counter(":tensorflow:serving:request_count", ("model_name", "status"))
    counter.add(1, "m", "OK")
    counter.add(2, "m", "OK")
    counter.add(1, 'we"ird\\', "NOT_FOUND")
    assert exposition([counter]).splitlines() == [
        "# TYPE :tensorflow:serving:request_count counter",
        ':tensorflow:serving:request_count{model_name="m",status="OK"} 3',
        ':tensorflow:serving:request_count{model_name="we\\"ird\\\\",status="NOT_FOUND"} 1',
    ]


def test_exposition_of_histogram_has_cumulative_buckets_sum_and_count():
    """Buckets count all values up to their bound; the last has no bound."""
    histogram = Histogram("t", ("model_name",), exponential(10, 1.8, 3))
    for value in (1, 17, 20, 1000):
        histogram.add(value, "m")
    assert exposition([histogram]).splitlines() == [
        "# TYPE t histogram",
        't_bucket{model_name="m",le="10"} 1',
        't_bucket{model_name="m",le="18"} 2',
        't_bucket{model_name="m",le="32.4"} 3',
        't_bucket{model_name="m",le="+Inf"} 4',
        't_sum{model_name="m"} 1038',
        't_count{model_name="m"} 4',
    ]


def test_exposition_sorts_metrics_and_lists_those_without_values():
    """Every metric shows its type from the start, in the order of names."""
    assert exposition([Counter("b", ()), Counter("a", ())]) == "# TYPE a counter\n# TYPE b counter\n"


def test_count_of_labels_is_bounded(monkeypatch):
    """Names that clients make up do not fill the memory; those already there are still counted."""
    monkeypatch.setattr(metrics, "MAX_SERIES", 2)
    counter = Counter("c", ("name",))
    for name in ("a", "b", "c", "a"):
        counter.add(1, name)
    assert exposition([counter]).splitlines()[1:] == ['c{name="a"} 2', 'c{name="b"} 1']
