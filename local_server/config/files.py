"""The small configuration files: TLS of the gRPC server, the page of metrics, TensorFlow's session."""

from __future__ import annotations

import grpc
from tensorflow.core.protobuf import config_pb2

from local_server.config import text_format
from local_server.config.protos import MonitoringConfig, SSLConfig
from local_server.errors import InvalidArgumentError

DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"


def read_metrics_path(file: str) -> str | None:
    """Return the path of the metrics page that a `MonitoringConfig` in text format asks for; None for no page.

    Raises StatusError if the file cannot be read or understood.
    """
    if not file:
        return None
    prometheus = text_format.read(file, MonitoringConfig()).prometheus_config
    return (prometheus.path or DEFAULT_METRICS_PATH) if prometheus.enable else None


def read_credentials(file: str) -> grpc.ServerCredentials | None:
    """Return the credentials in an `SSLConfig` in text format, keys and certificates being PEM; None without a file.

    Raises StatusError if the file cannot be read or understood.
    """
    if not file:
        return None
    config = text_format.read(file, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise InvalidArgumentError(f"server_key and server_cert must be set in '{file}'")
    if config.client_verify and not config.custom_ca:
        raise InvalidArgumentError(f"client_verify needs a custom_ca in '{file}'")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        config.client_verify,
    )


def read_session_config(file: str) -> config_pb2.ConfigProto:
    """Return the session's `ConfigProto` in text format; an empty one without a file.

    Raises StatusError if the file cannot be read or understood.
    """
    config = config_pb2.ConfigProto()
    return text_format.read(file, config) if file else config
