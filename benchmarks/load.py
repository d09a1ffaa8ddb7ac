"""The gateway under any number of callers who send without a pause, a new version being loaded meanwhile.

    .venv/bin/python -m benchmarks.load [--seconds 60] [--callers 2 16 64 1000]

Each caller has an address of its own, sends its next photo as soon as it has the answer, and comes back as late as it
is told to when it is refused. Each answer is compared with the one that its photo got alone. The senders run on the
same cores as what they measure, so they only write prepared bytes to plain sockets. The new version is a copy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_seconds, resident_megabytes
from benchmarks.stack import draw_photo, export_starter, multipart, stack

WARM_UP_PHOTOS = 100
# No search for dogs outside the centre: it would be left out of some photos and not of others.
PATH = "/api/v1/predict_breed?find=no"


@dataclass(frozen=True)
class Outcome:
    """The answer to one photo, sent at `begun`: `status` is 0 if the connection broke."""

    photo: int
    begun: float
    status: int
    seconds: float
    retry_after: str | None
    body: bytes


class Sender:
    """Sends prepared requests to one address; connections are kept and used again."""

    def __init__(self, port: int, photos: list[bytes], path: str = PATH) -> None:
        self._port = port
        self._line = f"POST {path} HTTP/1.1\r\nHost: benchmark\r\n"
        self._requests = [_request(photo) for photo in photos]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, photo: int, caller: int = 0) -> Outcome:
        """Send one photo, as if a proxy passed it on for a caller, and wait for its answer."""
        start = time.perf_counter()
        is_old = bool(self._idle)
        try:
            reader, writer = await self._connection()
            writer.write(f"{self._line}X-Forwarded-For: 10.0.{caller // 256}.{caller % 256}\r\n".encode())
            writer.write(self._requests[photo])
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(fields["content-length"]))
        except (OSError, asyncio.IncompleteReadError) as error:
            if is_old and not getattr(error, "partial", b""):  # the server has closed it in this moment
                return await self.send(photo, caller)
            return Outcome(photo, start, 0, time.perf_counter() - start, None, b"")
        if fields.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        status = int(head[0].split()[1])
        return Outcome(photo, start, status, time.perf_counter() - start, fields.get("retry-after"), body)

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

    async def without_pause(self, callers: int, seconds: float) -> list[Outcome]:
        """Let callers send one photo after the other; one that is refused comes back when it was told to."""
        end = time.perf_counter() + seconds
        outcomes: list[Outcome] = []

        async def call(caller: int) -> None:
            number = caller
            while time.perf_counter() < end:
                outcome = await self.send(number % len(self._requests), caller)
                outcomes.append(outcome)
                number += 1
                if outcome.retry_after:
                    await asyncio.sleep(min(float(outcome.retry_after), max(0.0, end - time.perf_counter())))

        await asyncio.gather(*map(call, range(callers)))
        return outcomes

    async def offer(self, rate: float, seconds: float) -> list[Outcome]:
        """Send `rate` photos a second, whatever becomes of them."""
        start, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self.send(number % len(self._requests), number)))
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


def _request(photo: bytes) -> bytes:
    """Return what follows the caller's address."""
    body, boundary = multipart(photo)
    head = f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _measure(port: int, pid: int, version: Path, seconds: float, numbers_of_callers: list[int]) -> None:
    sender = Sender(port, [draw_photo(number) for number in range(8)])
    known = await sender.in_turn(8)
    await sender.in_turn(WARM_UP_PHOTOS)
    first_rate = 0.0
    for callers in numbers_of_callers:
        before, start = cpu_seconds(pid), time.perf_counter()
        swap = asyncio.create_task(_swap(version, seconds / 2))
        outcomes = await sender.without_pause(callers, seconds)
        taken = time.perf_counter() - start
        version = await swap
        answered = [outcome for outcome in outcomes if outcome.status == 200]
        refused = sorted(outcome.seconds for outcome in outcomes if outcome.status == 503)
        versions = {json.loads(outcome.body)["model"]["version"] for outcome in answered}
        rate = len(answered) / taken
        first_rate = first_rate or rate
        slowest = max(outcome.seconds for outcome in answered)
        print(f"{callers} callers: {dict(judge(outcomes, known))}, by {len(versions)} versions")
        print(f"  rate {rate / first_rate:.2f} of that of the first; {(cpu_seconds(pid) - before) / taken:.2f} cores")
        print(f"  slowest answer {slowest:.2f} s; callers by rate {callers / rate:.2f} s")
        if refused:
            print(f"  refusals: median {refused[len(refused) // 2]:.3f} s, slowest {refused[-1]:.3f} s")
        print(f"  gateway {resident_megabytes(pid):.0f} MB", flush=True)
    sender.close()


async def _swap(version: Path, seconds: float) -> Path:
    """Put a copy of the version beside it after some seconds, under the next number; return its folder."""
    await asyncio.sleep(seconds)
    copy, hidden = version.with_name(str(int(version.name) + 1)), version.with_name(".copy")
    await asyncio.to_thread(shutil.copytree, version, hidden)
    return hidden.rename(copy)


def main() -> None:
    """Export a model, start the stack, and print what it did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each number of callers (%(default)s)")
    parser.add_argument("--callers", type=int, nargs="+", default=[2, 16, 64, 1000], metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version = export_starter(Path(folder) / "dog_breed")
        with stack(version.parent) as (port, pid):
            asyncio.run(_measure(port, pid, version, options.seconds, options.callers))


if __name__ == "__main__":
    main()
