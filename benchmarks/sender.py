"""Clients that upload photos without a pause and cost next to nothing, as they share the cores with what they measure.

Each keeps one connection, writes requests that were made beforehand, and reads of an answer its status and length.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Result:
    """Results of a run: `failed` are answers other than 200 and broken connections; `latencies` are of the others."""

    ok: int = 0
    failed: int = 0
    seconds: float = 0.0  # until the last answer
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the answered photos a second."""
        return self.ok / self.seconds


def run(
    port: int, photos: Sequence[bytes], clients: int, seconds: float, path: str = "/api/v1/predict_breed"
) -> Result:
    """Upload the photos in turn from so many clients; after `seconds` they send no more and wait for their answers."""
    return asyncio.run(_run(port, [upload(photo, path) for photo in photos], clients, seconds))


async def _run(port: int, requests: list[bytes], clients: int, seconds: float) -> Result:
    result = Result()
    start = time.perf_counter()
    await asyncio.gather(*(_client(port, requests, number, start + seconds, result) for number in range(clients)))
    result.seconds = time.perf_counter() - start
    return result


async def _client(port: int, requests: list[bytes], number: int, end: float, result: Result) -> None:
    connection: Connection | None = None
    while (start := time.perf_counter()) < end:
        try:
            connection = connection or await asyncio.open_connection("127.0.0.1", port)
            status, is_kept = await _send(connection, requests[number % len(requests)])
        except (OSError, asyncio.IncompleteReadError):
            status, is_kept = 0, False
        if status == 200:
            result.ok += 1
            result.latencies.append(time.perf_counter() - start)
        else:
            result.failed += 1
        if connection and not is_kept:
            connection[1].close()
            connection = None
        number += 1
    if connection:
        connection[1].close()


async def _send(connection: Connection, request: bytes) -> tuple[int, bool]:
    """Return the status of the answer, and whether the connection stays."""
    reader, writer = connection
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12]), b"\r\nconnection: close" not in head


def upload(photo: bytes, path: str) -> bytes:
    """Return the request that uploads a photo, head and body."""
    boundary = b"benchmark"
    body = b'--%b\r\nContent-Disposition: form-data; name="dog_image"; filename="a.jpg"\r\n' % boundary
    body += b"Content-Type: image/jpeg\r\n\r\n%b\r\n--%b--\r\n" % (photo, boundary)
    head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\n" % path.encode()
    head += b"Content-Type: multipart/form-data; boundary=%b\r\nContent-Length: %d\r\n\r\n" % (boundary, len(body))
    return head + body
