"""Ports: whether they are free, and how one is taken."""

from __future__ import annotations

import socket

from local_server.errors import UnavailableError


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port; it does not listen yet, so clients are still refused.

    Raises UnavailableError if the port is in use or not allowed.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise UnavailableError(f"Port {port} of {host} cannot be opened: {error.strerror}") from error
    return bound


def check(host: str, *ports: int) -> None:
    """Raise UnavailableError if one of the ports could not be opened now; 0 stands for none."""
    for port in filter(None, ports):
        bind(host, port).close()
