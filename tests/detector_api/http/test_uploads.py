"""Photos are read from the request's body into memory, and touch nothing else."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

URL = "/api/v1/predict_breed"


def large_photo() -> bytes:
    """A photo of 3 MB: well above what Starlette's parser keeps in memory."""
    buffer = io.BytesIO()
    Image.effect_noise((1_800, 1_800), 90).save(buffer, "BMP")
    return buffer.getvalue()


def test_read_photo_of_many_megabytes_writes_no_file(serving: Any) -> None:
    """A photo of 3 MB is answered by a process that ends at its first write to a file, temporary ones included."""
    code = """
import asyncio, sys
import httpx
from detector_api.main import create_app
from detector_api.settings import Settings

def refuse_writing(event, args):
    if event in ("tempfile.mkstemp", "tempfile.mkdtemp"):
        raise SystemExit(f"{event} {args}")
    if event == "open" and isinstance(args[2], int) and args[2] & 3 and args[0] != "/dev/null":
        raise SystemExit(f"opened for writing: {args}")

async def main(photo):
    app = create_app(Settings(serving_address=sys.argv[1]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        sys.addaudithook(refuse_writing)
        response = await client.post("/api/v1/predict_breed", files={"dog_image": ("dog.bmp", photo)})
        print(response.status_code)

asyncio.run(main(sys.stdin.buffer.read()))
"""
    run = subprocess.run(
        [sys.executable, "-B", "-c", code, serving.address], input=large_photo(), capture_output=True, timeout=60
    )
    assert run.stdout.decode().split() == ["200"], run.stderr.decode()


def test_read_photo_of_many_chunks_gives_the_bytes_sent(gateway: Any, serving: Any) -> None:
    """A photo that arrives in many pieces, its boundary cut anywhere, is the photo that was sent."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 8, 7)).save(buffer, "PNG")
    head = b'--b-\r\nContent-Disposition: form-data; name="dog_image"; filename="\xff.png"\r\n\r\n'
    body = head + buffer.getvalue() + b"\r\n--b-\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--b---\r\n"
    for length in (1, 7, 64):
        pieces = (body[start : start + length] for start in range(0, len(body), length))
        headers = {"content-type": "multipart/form-data; boundary=b-"}
        assert gateway.post(URL, content=pieces, headers=headers).status_code == 200
        assert serving.requests[-1].inputs["pixels"].tensor_content == bytes([9, 8, 7]) * 64


def test_read_photo_logs_neither_name_nor_content(gateway: Any, caplog: pytest.LogCaptureFixture, photo: bytes) -> None:
    """The name and the contents of a person's file stay out of the log, at any level."""
    caplog.set_level(logging.DEBUG)
    gateway.post(URL, files={"dog_image": ("my-address.png", photo)})
    gateway.post(URL, files={"dog_image": ("my-address.png", b"a letter of mine")})
    gateway.post(URL, files={"dog_image": ("my-address.png", photo[:50])})
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any("my-address" in line or "letter" in line or "PNG" in line for line in ours)


def body_with(photo: bytes, *headers: bytes) -> bytes:
    lines = (b'Content-Disposition: form-data; name="dog_image"', *headers)
    return b"--b\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + photo + b"\r\n--b--\r\n"


def post_body(gateway: Any, body: bytes) -> tuple[int, str, str]:
    response = gateway.post(URL, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    return response.status_code, response.json().get("code"), response.json().get("detail")


REFUSED = (400, "no_image", "The request's body is not valid multipart/form-data.")


def test_read_photo_with_a_part_header_above_its_limit_is_refused(
    serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """A header of a part is read up to `max_part_header_bytes`, its name included; one byte more is refused."""
    gateway = start_gateway(serving_address=serving.address, max_part_header_bytes=300)
    assert post_body(gateway, body_with(photo, b"X: " + b"x" * 297))[0] == 200
    asked = len(serving.requests)
    assert post_body(gateway, body_with(photo, b"X: " + b"x" * 298)) == REFUSED
    assert post_body(gateway, body_with(photo, b"x" * 301 + b": x")) == REFUSED
    assert len(serving.requests) == asked


def test_read_photo_with_more_than_8_part_headers_is_refused(gateway: Any, serving: Any, photo: bytes) -> None:
    """A part may have 8 headers, the one that names its field included, and no ninth."""
    assert post_body(gateway, body_with(photo, *[b"X: x"] * 7))[0] == 200
    asked = len(serving.requests)
    assert post_body(gateway, body_with(photo, *[b"X: x"] * 8)) == REFUSED
    assert len(serving.requests) == asked


def test_read_photo_that_trickles_ends(serving: Any, start_gateway: Any) -> None:
    """A client that always sends the next byte in time, and never the photo, is told so and dropped."""
    gateway = start_gateway(serving_address=serving.address, idle_seconds=0.5, min_upload_bytes_per_second=10_000)
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n"
    )
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=20) as connection:
        connection.sendall(f"{head}\r\n--b\r\nContent-Disposition: form-data; name=file\r\n\r\n".encode())
        connection.settimeout(0.05)
        reply, start = b"", time.monotonic()
        while not reply and time.monotonic() < start + 10:
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                reply = connection.recv(65536)
    assert reply.startswith(b"HTTP/1.1 408")


def test_read_photo_at_a_modest_rate_is_answered(serving: Any, start_gateway: Any, photo: bytes) -> None:
    """A slow client above the least rate is heard to the end, however long it takes."""
    gateway = start_gateway(serving_address=serving.address, idle_seconds=0.2, min_upload_bytes_per_second=500)
    body = body_with(photo, b"X: " + b"x" * 900)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]
            time.sleep(0.1)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert gateway.post(URL, content=pieces(), headers=headers).status_code == 200
