"""The monitoring configuration: where Prometheus finds the metrics."""

from __future__ import annotations

from local_server.config import text
from local_server.config.messages import MonitoringConfig

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def read_metrics_path(file: str) -> str | None:
    """Return the path of the page with metrics that a `MonitoringConfig` in text format asks for; None for no page.

    Raises ServingError if the file cannot be read or understood.
    """
    if not file:
        return None
    prometheus = text.read(file, MonitoringConfig()).prometheus_config
    return (prometheus.path or DEFAULT_PATH) if prometheus.enable else None
