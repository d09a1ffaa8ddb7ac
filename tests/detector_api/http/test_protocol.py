"""Limits of time and size on a client that sends or reads slowly; on real sockets."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

IDLE_SECONDS = 0.4
POST = b"POST /api/v1/predict_breed HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"


@pytest.fixture
def connect(start_gateway: Any) -> Iterator[Callable[..., socket.socket]]:
    """Return a function that opens a connection to a gateway of little patience."""
    gateway = start_gateway(serving_address="127.0.0.1:1", idle_seconds=IDLE_SECONDS, max_head_bytes=4096)
    with contextlib.ExitStack() as stack:
        address = (gateway.base_url.host, gateway.base_url.port)
        yield lambda: stack.enter_context(socket.create_connection(address, timeout=20))


def read_all(connection: socket.socket) -> bytes:
    """Read until the gateway closes; a reset is as good."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


def drip(connection: socket.socket, piece: bytes) -> bytes:
    """Send a piece now and then, well within the time, until the gateway closes; return what it said."""
    received = b""
    end = time.monotonic() + 20
    with contextlib.suppress(ConnectionError):
        while True:
            assert time.monotonic() < end, "the gateway waits for ever"
            readable, _, _ = select.select([connection], [], [], IDLE_SECONDS / 4)
            if readable:
                if not (answer := connection.recv(65536)):
                    break
                received += answer
            connection.sendall(piece)
    return received


def assert_problem(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode()), answer
    assert b"\r\nconnection: close" in head.lower()
    assert b"\r\nx-content-type-options: nosniff" in head.lower()
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert f"x-request-id: {problem['request_id']}".encode() in head.lower()


@pytest.mark.parametrize("start", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
def test_connect_and_send_no_whole_head_is_closed(connect: Any, start: bytes) -> None:
    """A client that stops before its head is complete loses the connection."""
    connection = connect()
    connection.sendall(start)
    assert read_all(connection) == b""


@pytest.mark.parametrize("first", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_drip_head_is_closed(connect: Any, first: bytes) -> None:
    """A head that comes a byte at a time does not live longer for it, be it the connection's first or a later one."""
    connection = connect()
    connection.sendall(first + b"GET /livez HTTP/1.1\r\nHost: ")
    assert drip(connection, b"x").count(b"HTTP/1.1") == (1 if first else 0)


@pytest.mark.parametrize("pieces", [1, 8])
@pytest.mark.parametrize("head", [b"GET /livez HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 900])
def test_send_large_head_is_431(connect: Any, head: bytes, pieces: int) -> None:
    """A head above the limit is refused, in one piece or many, whether it ends or not."""
    connection = connect()
    connection.sendall(head)
    with contextlib.suppress(ConnectionError):
        for _ in range(pieces):
            connection.sendall(b"x" * (6000 // pieces))
    assert_problem(read_all(connection), 431, "head_too_large")


def test_send_large_whole_head_is_431(connect: Any) -> None:
    """A head above the limit that comes complete and at once is refused, too."""
    connection = connect()
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 5000 + b"\r\n\r\n")
    assert_problem(read_all(connection), 431, "head_too_large")


@pytest.mark.parametrize("tail", [b"1;" + b"x" * 9000, b"0\r\nX: " + b"x" * 9000])
def test_send_large_chunk_frame_is_closed(connect: Any, tail: bytes) -> None:
    """Chunk extensions and trailers are bounded as a head is."""
    connection = connect()
    connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        connection.sendall(tail)
    assert_problem(read_all(connection), 431, "head_too_large")


def test_send_no_http_is_400(connect: Any) -> None:
    """Bytes that are no HTTP are refused in the one error shape."""
    connection = connect()
    connection.sendall(b"hello\r\n\r\n")
    assert_problem(read_all(connection), 400, "malformed_request")


@pytest.mark.parametrize(
    "start", [b"", b"--b\r\nContent-Dis", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc']
)
def test_stop_in_body_is_408_and_closed(connect: Any, start: bytes) -> None:
    """A client that stops in the middle of its body is told so, and the connection is closed."""
    connection = connect()
    connection.sendall(POST + b"Content-Length: 1000\r\n\r\n" + start)
    assert_problem(read_all(connection), 408, "request_timeout")


def test_drip_body_after_its_answer_is_closed(connect: Any) -> None:
    """A body that nobody reads any more does not keep the connection, however it goes on."""
    connection = connect()
    connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert drip(connection, b"x").startswith(b"HTTP/1.1 404")


def test_read_nothing_is_closed(start_gateway: Any) -> None:
    """A client that does not read its answers keeps the gateway waiting for one of them only for so long."""
    gateway = start_gateway(serving_address="127.0.0.1:1", idle_seconds=2)
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
        for under_way in ("1.0", "0.0"):
            end = time.monotonic() + 20
            while f"detector_requests_in_flight {under_way}" not in gateway.get("/metrics").text:
                assert time.monotonic() < end, "the gateway waits for ever"


def test_keep_connection_within_limits_is_served(connect: Any) -> None:
    """Request after request passes on one connection, each counted anew."""
    connection = connect()
    for _ in range(20):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 3000 + b"\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
