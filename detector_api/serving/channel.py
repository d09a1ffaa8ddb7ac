"""gRPC channel to TensorFlow Serving: one server or several, with the calls spread over those that live.

gRPC does the work: its `dns` resolver looks all addresses of a name up, and its `round_robin` policy gives each call to
the next server that is connected. It looks a name up again when a connection ends, so a server that dies or is replaced
is noticed within a second. One that is merely added is noticed when the next connection ends: servers that come and
go should end theirs now and then (TensorFlow Serving: `--grpc_channel_arguments=grpc.max_connection_age_ms=5000`).
"""

from __future__ import annotations

import json
import re

import grpc.aio

OPTIONS = (
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A server that restarts is noticed within about a second; gRPC would wait up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # So is one that comes back at another address; gRPC would ask the DNS every half minute at most.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A server that is frozen, or whose machine vanished, is given up after 3 s of silence and 2 s without an
    # acknowledgement, so that a retry still has half of the default deadline. A server may be merely slow: it gets no
    # more than the two such pings between requests that gRPC sends by default and that servers by default put up with.
    ("grpc.keepalive_time_ms", 3_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # without it a ping may take a minute, whatever the line above says
    # Answers are a few kilobytes; a card with a thousand breeds is some tens.
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # The server is near. A proxy in the environment is for other addresses.
    ("grpc.enable_http_proxy", 0),
)

_SCHEME = re.compile(r"(dns|ipv4|ipv6|unix):")
_IPV4_LIST = re.compile(r"[\d.]+:\d+(,[\d.]+:\d+)+")


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel to the servers at `address`; it connects with the first call, and belongs to that event loop."""
    return grpc.aio.insecure_channel(to_target(address), options=OPTIONS)


def to_target(address: str) -> str:
    """Return gRPC's name of an address as `Settings.serving_address` describes it; raises ValueError if it is none."""
    if _SCHEME.match(address):
        return address
    if _IPV4_LIST.fullmatch(address):
        return f"ipv4:{address}"
    if not address or set(address) & set(", "):
        raise ValueError("give one host:port, or several IPv4 addresses as ip:port,ip:port")
    return f"dns:///{address}"
