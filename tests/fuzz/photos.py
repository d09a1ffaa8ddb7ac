"""Feed mutated photos to `read_pixels`: the outcome must be pixels or a `PhotoError`, in bounded time and memory.

    python -m tests.fuzz.photos --files 100000 --seed 1

Each file is read in a worker process, so that a crash of a decoder is seen and survived. One in 50 is sent to a real
gateway over HTTP as well, which must answer 200 or 4xx. A failure is written to `build/fuzz`, from where `read_pixels`
or a gateway can be given it again. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import multiprocessing
import random
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from model_serving.photos import Geometry, PhotoError, read_pixels
from tests.fuzz.mutations import mutate, seeds
from tests.real_serving import URL, gateway, local_server, save_model, status, wait_until

GEOMETRY = Geometry(size=32, crop=0.875)
# A tight limit, so that memory taken for a lie in a header stands out: 17 bytes a pixel, and what decoders take anyway.
MAX_PIXELS = 1_000_000
MOST_MEMORY = 17 * MAX_PIXELS + (64 << 20)
# Of processor time, so that a busy machine fails no file.
MOST_SECONDS = 20
FILES_A_POST = 50


class Worker:
    """A process that reads one photo after another, and is replaced when one kills it."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self.most_seconds, self.most_bytes = 0.0, 0  # of one photo: CPU time, and growth of memory at its peak
        self._start()

    def _start(self) -> None:
        self._here, there = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def outcome(self, photo: bytes) -> str:
        """Return "pixels", the name of a `PhotoError`, or a failure, which begins with "failure"."""
        try:
            self._here.send_bytes(photo)
            said: str
            said, seconds, grown = self._here.recv()
            self.most_seconds, self.most_bytes = max(self.most_seconds, seconds), max(self.most_bytes, grown)
        except (EOFError, OSError):
            self._process.join()
            said = f"failure: the process died of {signal.Signals(-(self._process.exitcode or 0)).name}"
        if said.startswith("failure"):
            self.close()  # the next peak of memory is measured in a process of its own
            self._start()
        return said

    def close(self) -> None:
        """End the process."""
        self._here.close()
        self._process.kill()
        self._process.join()


def _work(pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    for photo in seeds():  # what the libraries take once belongs to no mutated file
        with contextlib.suppress(PhotoError):
            read_pixels(photo, GEOMETRY, MAX_PIXELS)
    with contextlib.suppress(EOFError):
        while True:
            photo = pipe.recv_bytes()
            before = _reset_peak_bytes()
            signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)  # its signal kills, since nothing handles it
            start = time.thread_time()
            said = _read(photo)
            seconds = time.thread_time() - start
            signal.setitimer(signal.ITIMER_PROF, 0)
            if (grown := _peak_bytes() - before) > MOST_MEMORY:
                said = f"failure: memory grew by {grown >> 20} MB"
            pipe.send((said, seconds, grown))


def _read(photo: bytes) -> str:
    try:
        pixels = read_pixels(photo, GEOMETRY, MAX_PIXELS)
    except PhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            return "failure: MemoryError"
        return type(error).__name__
    except BaseException as error:  # also what Rust and C extensions raise past Exception
        return f"failure: {type(error).__name__}"
    return "pixels" if (pixels.mode, pixels.size) == ("RGB", (32, 32)) else f"failure: {pixels.mode} {pixels.size}"


def _reset_peak_bytes() -> int:
    """Let the peak of resident memory be what is in use now, and return that (Linux)."""
    ctypes.CDLL(None).malloc_trim(0)  # else what earlier photos took would serve this one, and not count
    Path("/proc/self/clear_refs").write_text("5")
    return _peak_bytes()


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Yield so many mutated photos, the same for the same seed."""
    rng, originals = random.Random(seed), seeds()
    for _ in range(count):
        yield mutate(rng.choice(originals), originals, rng)


@contextlib.contextmanager
def real_gateway() -> Iterator[httpx.Client]:
    """Run a gateway and a server with a tiny model; yield a client of the gateway."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(2):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                ports.append(listener.getsockname()[1])
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        save_model(folder / "1")
        stack.enter_context(local_server(folder, ports[0]))
        _, client = stack.enter_context(gateway(*ports, max_pixels=MAX_PIXELS))
        wait_until(lambda: status(client, "/readyz") == 200)
        yield client


def post(client: httpx.Client, photo: bytes) -> str:
    """Return "gateway" and the status of its answer, or a failure, which begins with "failure"."""
    try:
        answered = client.post(URL, files={"dog_image": photo}).status_code
    except httpx.TransportError as error:
        return f"failure: gateway {type(error).__name__}"
    return f"gateway {answered}" if answered == 200 or 400 <= answered < 500 else f"failure: gateway {answered}"


def fuzz(
    count: int, seed: int, folder: Path, client: httpx.Client | None = None, progress: bool = False
) -> Counter[str]:
    """Return how often each outcome came, and leave the files of failures in `folder`.

    One file in `FILES_A_POST` has a second outcome, of the gateway, if there is a client of one.
    """
    outcomes: Counter[str] = Counter()
    worker = Worker()
    try:
        for number, photo in enumerate(mutated(count, seed)):
            found = [worker.outcome(photo)]
            if client and number % FILES_A_POST == 0:
                found.append(post(client, photo))
            outcomes.update(found)
            if any(outcome.startswith("failure") for outcome in found):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{seed}-{number}.bin").write_bytes(photo)
            if progress and (number + 1) % 10_000 == 0:
                most = f"{worker.most_seconds:.2f} s of CPU time and {worker.most_bytes >> 20} MB for one photo"
                print(f"{number + 1}: at most {most}; {dict(outcomes)}", flush=True)
    finally:
        worker.close()
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="where failures are left")
    arguments = parser.parse_args()
    with real_gateway() as client:
        outcomes = fuzz(arguments.files, arguments.seed, arguments.folder, client, progress=True)
    for outcome, count in outcomes.most_common():
        print(f"{count:8} {outcome}")
    sys.exit(any(outcome.startswith("failure") for outcome in outcomes))


if __name__ == "__main__":
    main()
