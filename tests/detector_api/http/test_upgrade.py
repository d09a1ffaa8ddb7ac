"""Requests that offer another protocol, as stock clients of Java and `curl --http2` do; on real sockets."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"


def form(photo: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="dog_image"; filename="dog.png"\r\n\r\n'
    return head + photo + b"\r\n--b--\r\n"


def post(body: bytes, framing: str, offer: str = OFFER) -> bytes:
    head = f"POST /api/v1/predict_breed?top_k=1 HTTP/1.1\r\nHost: x\r\n{offer}"
    return f"{head}Content-Type: multipart/form-data; boundary=b\r\n{framing}\r\n\r\n".encode() + body


def connect(gateway: httpx.Client) -> socket.socket:
    return socket.create_connection((gateway.base_url.host, gateway.base_url.port or 80), timeout=20)


def read_answers(connection: socket.socket, count: int) -> list[dict[str, Any]]:
    """Return the bodies of so many answers, each of which has a length."""
    answers: list[dict[str, Any]] = []
    with connection.makefile("rb") as stream:
        for _ in range(count):
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            answers.append(json.loads(stream.read(length)))
    return answers


@pytest.mark.parametrize("piece", [1, 50, 1 << 20], ids=["byte by byte", "in pieces", "at once"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_post_with_an_offer_of_h2c_keeps_its_body(
    gateway: httpx.Client, photo: bytes, piece: int, is_chunked: bool
) -> None:
    """A photo sent with `Upgrade: h2c` is answered, however its bytes arrive, and so is the next on the connection."""
    body = form(photo)
    if is_chunked:
        request = post(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked")
    else:
        request = post(body, f"Content-Length: {len(body)}")
    with connect(gateway) as connection:
        for _ in range(2):
            for start in range(0, len(request), piece):
                connection.sendall(request[start : start + piece])
            assert read_answers(connection, 1)[0]["breed"] == "Akita"


def test_post_pipelined_offers_get_an_answer_each(gateway: httpx.Client, photo: bytes) -> None:
    """Requests with and without an offer that arrive in one piece are answered one by one."""
    body = form(photo)
    length = f"Content-Length: {len(body)}"
    with connect(gateway) as connection:
        connection.sendall(post(body, length) + post(body, length, offer="") + post(body, length))
        assert [answer["breed"] for answer in read_answers(connection, 3)] == ["Akita"] * 3


def test_get_with_an_offer_of_websocket_is_answered(gateway: httpx.Client) -> None:
    """A request without a body is answered as if there were no offer."""
    with connect(gateway) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert read_answers(connection, 1) == [{"status": "ok"}]


def test_post_by_curl_with_http2_is_answered(gateway: httpx.Client, photo: bytes, require: Callable[..., None]) -> None:
    """`curl --http2`, which offers h2c, gets the breed."""
    require(shutil.which("curl"), "curl")
    command = ["curl", "-sS", "--http2", "-F", "dog_image=@-", f"{gateway.base_url}/api/v1/predict_breed"]
    answer = subprocess.run(command, input=photo, capture_output=True, check=True, timeout=60)
    assert json.loads(answer.stdout)["breed"] == "Akita"
