"""Cost of the gateway and of its decoding process over decoding, and of the search for dogs, as ratios.

    .venv/bin/python -m benchmarks.gateway [--seconds 5] [--rounds 5] [--clients 4]

The gateway has one core and decodes one photo at a time; decoding alone has the same core, in turns with it. On another
core are the clients and `benchmarks.echo`, which stands in for the model server and answers at once. The gateway's
bound on photos in work is lifted, so that it refuses none. CPU times are of the whole gateway with its decoding
processes, user and kernel (Linux); likewise of one thread that has photos decoded in a process with limits and does
nothing else. Photos that are searched (`find=all`) have two dogs; `find=auto` finds the centre sure, so that nothing is
searched.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks import sender
from benchmarks.echo import CROP, SIZE
from benchmarks.pictures import KINDS, draw
from benchmarks.processes import cpu_seconds, free_port, running, wait_for_http
from model_serving.photos import Geometry, read_pixels
from model_serving.photos.pool import DecoderPool

PATH = "/api/v1/predict_breed"
FINDS = ("no", "auto", "all")


def main() -> None:
    """Print a line for each kind of photo and way of finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of gateway and decoding alone (%(default)s)")
    parser.add_argument("--clients", type=int, default=4, help="that send without a pause (%(default)s)")
    options = parser.parse_args()
    measured, other = cores()
    os.sched_setaffinity(0, {other})

    alone = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), os.sched_setaffinity, (0, {measured}))
    with alone, gateway(measured, options.clients) as (port, pid):
        for name, kind in KINDS.items():
            photo = draw(*kind)
            rates: dict[str, list[float]] = {find: [] for find in FINDS}
            cpu: dict[str, list[float]] = {find: [] for find in FINDS}
            process: list[float] = []
            failed = 0
            for turn in range(-1, options.rounds):  # the first turn warms up
                alone_rate, alone_cpu = alone.submit(decode, photo, options.seconds).result()
                pool_cpu = alone.submit(decode_in_process, photo, options.seconds).result()
                if turn >= 0:
                    process.append(pool_cpu / alone_cpu)
                for find in FINDS:
                    before = cpu_seconds(pid)
                    result = sender.run(port, [photo], options.clients, options.seconds, f"{PATH}?find={find}")
                    if turn >= 0:
                        rates[find].append(result.rate / alone_rate)
                        cpu[find].append((cpu_seconds(pid) - before) / result.ok / alone_cpu)
                        failed += result.failed
            for find in FINDS:
                spent = statistics.median(cpu[find])
                print(
                    f"{name}, find={find}: {statistics.median(rates[find]):.2f} of the rate of decoding alone "
                    f"(rounds: {', '.join(f'{rate:.2f}' for rate in rates[find])}); {1 / spent:.2f} of the gateway's "
                    f"CPU time is what decoding alone takes; {spent / statistics.median(cpu['no']):.2f} of find=no's",
                    flush=True,
                )
            print(
                f"{name}: {statistics.median(process):.2f} of the CPU time of decoding alone in a process with limits "
                f"(rounds: {', '.join(f'{ratio:.2f}' for ratio in process)}); {failed} failed",
                flush=True,
            )


def cores() -> tuple[int, int]:
    """Return a core for what is measured, and one for the rest; the same if there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def decode(photo: bytes, seconds: float) -> tuple[float, float]:
    """Decode in a loop; return photos a second, and the CPU time of one, in seconds."""
    geometry = Geometry(SIZE, CROP)
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    while (taken := time.perf_counter() - start) < seconds:
        read_pixels(photo, geometry).tobytes()
        count += 1
    return count / taken, (time.process_time() - cpu) / count


def decode_in_process(photo: bytes, seconds: float) -> float:
    """Decode in a loop in a process with limits; return the CPU time of one photo, of both processes, in seconds."""
    geometry, pool = Geometry(SIZE, CROP), DecoderPool(1)
    try:
        pool.read_pixels(photo, geometry)  # the process has started
        count, end, before = 0, time.perf_counter() + seconds, cpu_seconds(os.getpid())
        while time.perf_counter() < end:
            pool.read_pixels(photo, geometry)
            count += 1
        return (cpu_seconds(os.getpid()) - before) / count
    finally:
        pool.close()


@contextmanager
def gateway(core: int, clients: int) -> Iterator[tuple[int, int]]:
    """Run the echo server where this thread runs and the gateway on a core; yield the gateway's port and process id."""
    port, serving_port = free_port(), free_port()
    settings = {
        "DETECTOR_PORT": str(port),
        "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{serving_port}",
        "DETECTOR_DECODE_THREADS": "1",
        "DETECTOR_MIN_IN_FLIGHT": str(clients),
    }
    with running([sys.executable, "-m", "benchmarks.echo", str(serving_port)]):
        here = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # a new process inherits it
        with running([sys.executable, "-m", "detector_api"], settings) as process:
            os.sched_setaffinity(0, here)
            wait_for_http(f"http://127.0.0.1:{port}/readyz")
            yield port, process.pid


if __name__ == "__main__":
    main()
