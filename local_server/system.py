"""The operating system: CPUs, memory and ports."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket

from local_server.errors import UnavailableError

EVERY_ADDRESS = "0.0.0.0"


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def release_freed_memory() -> None:
    """Return freed memory to the operating system: loading a model frees a lot, and the C library keeps it.

    Only glibc has the call; elsewhere nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port, for 0.0.0.0 of IPv6 too; it does not listen yet, so clients are still refused.

    Raises UnavailableError if the port is in use or not allowed.
    """
    both = host == EVERY_ADDRESS and socket.has_dualstack_ipv6()
    bound = socket.socket(socket.AF_INET6 if both or ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if both:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        bound.bind(("::" if both else host, port))
    except OSError as error:
        bound.close()
        raise UnavailableError(f"Port {port} of {host} cannot be opened: {error.strerror}") from error
    return bound


def check_ports(host: str, *ports: int) -> None:
    """Raise UnavailableError if one of the ports cannot be opened; 0 stands for none."""
    for port in filter(None, ports):
        bind(host, port).close()
