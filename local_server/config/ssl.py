"""The TLS configuration of the gRPC server."""

from __future__ import annotations

import grpc

from local_server.config import text
from local_server.config.messages import SSLConfig
from local_server.errors import InvalidArgumentError


def read_credentials(file: str) -> grpc.ServerCredentials | None:
    """Return the credentials in an `SSLConfig` in text format, keys and certificates being PEM; None without a file.

    Raises ServingError if the file cannot be read or understood.
    """
    if not file:
        return None
    config = text.read(file, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise InvalidArgumentError(f"server_key and server_cert must be set in '{file}'")
    if config.client_verify and not config.custom_ca:
        raise InvalidArgumentError(f"client_verify needs a custom_ca in '{file}'")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        config.client_verify,
    )
