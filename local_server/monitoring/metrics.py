"""Counters and histograms, and the text in which TensorFlow Serving shows them to Prometheus.

Not `prometheus_client`: its counters end in `_total`, which TensorFlow Serving's do not.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

CONTENT_TYPE = "text/plain"

# Labels come from requests; names of models that do not exist must not fill the memory.
MAX_SERIES = 10_000


class Metric(ABC):
    """A metric with one series for each set of label values. Any thread may call it."""

    kind: str

    def __init__(self, name: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self._labels = labels
        self._lock = threading.Lock()
        self._series: dict[tuple[str, ...], list[float]] = {}

    def lines(self) -> Iterator[str]:
        """Yield the metric's lines of text."""
        yield f"# TYPE {self.name} {self.kind}"
        with self._lock:
            series = {values: list(cell) for values, cell in sorted(self._series.items())}
        for values, cell in series.items():
            pairs = zip(self._labels, values, strict=True)
            yield from self._points([f'{label}="{_escaped(value)}"' for label, value in pairs], cell)

    @abstractmethod
    def _points(self, labels: list[str], cell: list[float]) -> Iterator[str]: ...

    def _cell(self, values: tuple[str, ...], size: int) -> list[float]:
        cell = self._series.get(values)
        if cell is None:
            cell = [0] * size
            if len(self._series) < MAX_SERIES:
                self._series[values] = cell
        return cell


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def add(self, amount: int, *values: str) -> None:
        """Add to the number that belongs to these values of the labels."""
        with self._lock:
            self._cell(values, 1)[0] += amount

    def first_value(self) -> int:
        """Return the number of the first set of labels, 0 if nothing was counted."""
        with self._lock:
            return int(self._series[min(self._series)][0]) if self._series else 0

    def _points(self, labels: list[str], cell: list[float]) -> Iterator[str]:
        yield f"{self.name}{{{','.join(labels)}}} {int(cell[0])}"


class Histogram(Metric):
    """A distribution over buckets with the given upper bounds, and one above them all."""

    kind = "histogram"

    def __init__(self, name: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        super().__init__(name, labels)
        self._bounds = bounds

    def add(self, value: float, *values: str) -> None:
        """Count one more value in the distribution that belongs to these values of the labels."""
        bucket = bisect_right(self._bounds, value)
        with self._lock:
            cell = self._cell(values, len(self._bounds) + 2)  # the last one is the sum
            cell[bucket] += 1
            cell[-1] += value

    def _points(self, labels: list[str], cell: list[float]) -> Iterator[str]:
        counts = list(accumulate(cell[:-1]))
        limits = [*(f'le="{bound:g}"' for bound in self._bounds), 'le="+Inf"']
        for limit, count in zip(limits, counts, strict=True):
            yield f"{self.name}_bucket{{{','.join([*labels, limit])}}} {int(count)}"
        yield f"{self.name}_sum{{{','.join(labels)}}} {cell[-1]:g}"
        yield f"{self.name}_count{{{','.join(labels)}}} {int(counts[-1])}"


def exponential(first: float, growth: float, count: int) -> tuple[float, ...]:
    """Return bounds of which each is `growth` times the one before."""
    return tuple(accumulate([first, *[growth] * (count - 1)], lambda bound, factor: bound * factor))


def exposition(metrics: list[Metric]) -> str:
    """Return the page that Prometheus reads, the metrics sorted by name."""
    ordered = sorted(metrics, key=lambda metric: metric.name)
    return "".join(f"{line}\n" for metric in ordered for line in metric.lines())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
