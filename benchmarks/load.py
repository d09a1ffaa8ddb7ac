"""The gateway under three times the load that it can take, and after it.

    .venv/bin/python -m benchmarks.load [--backbone efficientnet_lite2] [--seconds 20] [--factor 3]

Photos come at a fixed rate whether or not those before them were answered, as they do from people. Each answer is
compared with the one that its photo got alone. The sender runs on the same cores as what it measures, so it only writes
prepared bytes to plain sockets. The model has random weights, which changes no speed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import resident_megabytes
from benchmarks.stack import draw_photo, export_random, multipart, stack

UNLOADED_PHOTOS = 150
CAPACITY_CLIENTS = 4


@dataclass(frozen=True)
class Outcome:
    """The answer to one photo: `status` is 0 if the connection broke."""

    photo: int
    status: int
    seconds: float
    retry_after: str | None
    body: bytes


class Sender:
    """Sends prepared requests to one address; connections are kept and used again."""

    def __init__(self, port: int, photos: list[bytes]) -> None:
        self._port = port
        self._requests = [_request(photo) for photo in photos]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, photo: int) -> Outcome:
        """Send one photo and wait for its answer."""
        start = time.perf_counter()
        try:
            reader, writer = await self._connection()
            writer.write(self._requests[photo])
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(fields["content-length"]))
        except (OSError, asyncio.IncompleteReadError):
            return Outcome(photo, 0, time.perf_counter() - start, None, b"")
        if fields.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        status = int(head[0].split()[1])
        return Outcome(photo, status, time.perf_counter() - start, fields.get("retry-after"), body)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # else the server has closed it, as it does after some seconds
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def in_turn(self, count: int) -> list[Outcome]:
        """Send so many photos, one after the other."""
        return [await self.send(number % len(self._requests)) for number in range(count)]

    async def rate(self, seconds: float) -> float:
        """Return the answers a second when a few clients send without a pause."""
        end = time.perf_counter() + seconds
        answered = 0

        async def client(number: int) -> None:
            nonlocal answered
            while time.perf_counter() < end:
                outcome = await self.send(number % len(self._requests))
                answered += outcome.status == 200

        await asyncio.gather(*map(client, range(CAPACITY_CLIENTS)))
        return answered / seconds

    async def offer(self, rate: float, seconds: float) -> list[Outcome]:
        """Send `rate` photos a second, whatever becomes of them."""
        start, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self.send(number % len(self._requests))))
        return list(await asyncio.gather(*tasks))

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()


def judge(outcomes: list[Outcome], known: list[Outcome]) -> Counter[str]:
    """Count the outcomes: answered as alone, refused with a time to come back, and all that should not be."""
    return Counter(_verdict(outcome, known[outcome.photo]) for outcome in outcomes)


def _verdict(outcome: Outcome, known: Outcome) -> str:
    if outcome.status == 200:
        return "right" if _is_same(json.loads(outcome.body), json.loads(known.body)) else "wrong"
    if outcome.status == 503 and int(outcome.retry_after or 0) >= 1:
        return "refused"
    return f"status {outcome.status}"


def _is_same(reply: Any, known: Any) -> bool:
    """Compare breeds, and probabilities to within what a batch changes."""
    return reply["breed"] == known["breed"] and all(
        abs(one["confidence"] - other["confidence"]) < 1e-3
        for one, other in zip(reply["predictions"], known["predictions"], strict=True)
    )


def p99(outcomes: list[Outcome]) -> float:
    """Return the time within which 99 of 100 answers came, in seconds."""
    times = sorted(outcome.seconds for outcome in outcomes if outcome.status == 200)
    return times[min(len(times) - 1, int(0.99 * len(times)))]


def _request(photo: bytes) -> bytes:
    body, boundary = multipart(photo)
    return (
        "POST /api/v1/predict_breed HTTP/1.1\r\nHost: benchmark\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _measure(port: int, pid: int, seconds: float, factor: float) -> None:
    sender = Sender(port, [draw_photo(number) for number in range(8)])
    known = await sender.in_turn(8)
    await sender.in_turn(UNLOADED_PHOTOS)
    before, before_megabytes = await sender.in_turn(UNLOADED_PHOTOS), resident_megabytes(pid)
    capacity = await sender.rate(seconds)
    loaded = await sender.offer(factor * capacity, seconds)
    after = await sender.in_turn(UNLOADED_PHOTOS)
    sender.close()
    counts = judge(loaded, known)
    print(f"unloaded: p99 {p99(before) * 1000:.1f} ms; capacity {capacity:.1f} photos a second")
    print(f"{factor:g} times that: {dict(counts)}; p99 of the answered {p99(loaded) / p99(before):.2f} of the unloaded")
    print(f"answered {counts['right'] / seconds / capacity:.2f} of the capacity")
    print(f"unloaded again: {dict(judge(after, known))}, p99 {p99(after) / p99(before):.2f} of that before")
    print(f"gateway's memory {resident_megabytes(pid) / before_megabytes:.2f} of that before")


def main() -> None:
    """Export a model, start the stack, and print what it did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--factor", type=float, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version = export_random(options.backbone, Path(folder) / "dog_breed")
        with stack(version.parent) as (port, pid):
            asyncio.run(_measure(port, pid, options.seconds, options.factor))


if __name__ == "__main__":
    main()
