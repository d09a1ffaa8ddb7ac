"""Scoring on Ray, with two workers on this machine, against the local engine: rate, CPU time, memory, time to start.

    .venv/bin/python -m benchmarks.distributed FOLDER [--model models/dog_breed] [--photos 2000] [--rounds 3]

FOLDER holds photos, which are taken again and again if they are fewer. Both engines take turns at a short job and a
long one: what the long one takes more is the work itself, and what the short one takes beyond that is the start. Ratios
are Ray's to the local engine's, medians over the rounds; on a machine that does other things they mean little, as the
starts then differ by many seconds. The last line is for `deploy.capacity --job`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.processes import cpu_seconds, resident_megabytes
from model_serving.data.batches import BATCH
from model_serving.data.files import photos_below
from model_serving.distributed.scoring import _Scorer
from model_serving.savedmodel.versions import latest_version

WORKERS = 2
# Photos of the short job: a block for each worker.
SHORT = 64
# Photos whose CPU time is measured in a worker.
RATED = 200
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, CPU seconds of all processes, and the megabytes of the largest Ray worker."""

    seconds: float
    cpu: float
    megabytes: float


def main() -> None:
    """Score with both engines in turns, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/dog_breed"))
    parser.add_argument("--photos", type=int, default=2000, help="photos of the long job (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        jobs = [_gather(photos_below(options.folder), count, work / str(count)) for count in (SHORT, options.photos)]
        rounds = []
        for number in range(options.rounds):
            costs = {
                engine: [_run(job, options.model, engine, work / f"{number}.{engine}.{job.name}.csv") for job in jobs]
                for engine in ("local", "ray")
            }
            rounds.append({engine: _split(short, long, options.photos) for engine, (short, long) in costs.items()})
            local, ray = rounds[-1]["local"], rounds[-1]["ray"]
            print(
                f"round {number + 1}: rate {local.seconds / ray.seconds:.2f}, CPU time {ray.cpu / local.cpu:.2f}, "
                f"start {ray.start:.1f} s against {local.start:.1f} s",
                flush=True,
            )
    rate = statistics.median(one["local"].seconds / one["ray"].seconds for one in rounds)
    cpu = statistics.median(one["ray"].cpu / one["local"].cpu for one in rounds)
    start = statistics.median(one["ray"].start - one["local"].start for one in rounds)
    print(f"Ray with {WORKERS} workers: {rate:.2f} of the local engine's rate, {cpu:.2f} of its CPU time a photo")
    print(f"Ray starts {start:.1f} s later")
    gigabytes = max(one["ray"].megabytes for one in rounds) / 1000
    rate = _worker_rate(photos_below(options.folder), latest_version(options.model))
    print(f"--photos-per-core-second {rate:.1f} --worker-gigabytes {gigabytes:.1f}")


def _worker_rate(photos: Sequence[Path], version: Path) -> float:
    """Return how many photos a worker answers in a second of its CPU time, other than Ray's; it runs here."""
    worker = _Scorer("/", str(version.absolute()))
    chosen = list(islice(cycle(path.absolute() for path in photos), RATED))
    batches = [
        {
            "path": np.array([str(path) for path in paths]),
            "bytes": np.array([path.read_bytes() for path in paths], object),
        }
        for paths in (chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH))
    ]
    worker(batches[0])
    start = time.process_time()
    for batch in batches:
        worker(batch)
    return len(chosen) / (time.process_time() - start)


@dataclass(frozen=True)
class Split:
    """Clock and CPU seconds for a photo, the seconds before the first, and a worker's megabytes."""

    seconds: float
    cpu: float
    start: float
    megabytes: float


def _split(short: Cost, long: Cost, photos: int) -> Split:
    seconds = (long.seconds - short.seconds) / (photos - SHORT)
    cpu = (long.cpu - short.cpu) / (photos - SHORT)
    return Split(seconds, cpu, short.seconds - seconds * SHORT, max(short.megabytes, long.megabytes))


def _gather(photos: Sequence[Path], count: int, folder: Path) -> Path:
    folder.mkdir()
    for number, photo in enumerate(islice(cycle(photos), count)):
        (folder / f"{number}{photo.suffix}").symlink_to(photo.absolute())
    return folder


def _run(folder: Path, model: Path, engine: str, out: Path) -> Cost:
    command = [sys.executable, "-m", "dog_breed", "score", str(folder), "--model", str(model), "--out", str(out)]
    command += ["--engine", engine, "--workers", str(WORKERS)]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    start = time.monotonic()
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere, env=environment) as process:
        watch = Watch(process.pid)
        if process.wait():
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        seconds = time.monotonic() - start
        return Cost(seconds, *watch.end())


class Watch:
    """Adds up, while it lasts, what a process and all that it starts use (Linux)."""

    def __init__(self, pid: int) -> None:
        self._pid, self._ended = pid, threading.Event()
        self._cpu: dict[int, float] = {}
        self._megabytes = 0.0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> tuple[float, float]:
        """Return the CPU seconds of all processes, and the most megabytes of a Ray worker."""
        self._ended.set()
        self._thread.join()
        return sum(self._cpu.values()), self._megabytes

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for pid in [self._pid, *_descendants(self._pid)]:
                with suppress(OSError, StopIteration):  # it has ended
                    self._cpu[pid] = cpu_seconds(pid, alone=True)
                    if b"ray::MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        self._megabytes = max(self._megabytes, resident_megabytes(pid))


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)


if __name__ == "__main__":
    main()
