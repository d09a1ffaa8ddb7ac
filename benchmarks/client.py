"""Costs of the gateway against a client that imports TensorFlow: CPU time to start and to call, memory, disk.

    .venv/bin/python -m benchmarks.client [--seconds 4] [--rounds 5]

The client, `benchmarks.client_tensorflow`, is what a service would be built around: `tensorflow-serving-api` with
TensorFlow's conversions between arrays and tensors. Both ask `benchmarks.echo`, which answers at once. Of the gateway
the whole process counts, with HTTP and logging; the client has pixels that are ready, and nothing around its calls.
Only decoding is taken off the gateway's calls, as a service around the client would have to decode as well.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks import sender
from benchmarks.gateway import decode
from benchmarks.pictures import KINDS, draw
from benchmarks.processes import cpu_seconds, free_port, resident_megabytes, running, wait_for_http

GATEWAY, CLIENT = "detector_api.__main__", "benchmarks.client_tensorflow"


def main() -> None:
    """Print what both cost, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="length of one measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of both (%(default)s)")
    options = parser.parse_args()

    _print("CPU time to import", "s", [(_import(GATEWAY), _import(CLIENT)) for _ in range(options.rounds)])
    _compare_calls(options.seconds, options.rounds)
    sizes = (installed_megabytes("dog-breed-detector", {"api"}), installed_megabytes("tensorflow-serving-api", set()))
    _print("installed, with all that it requires", "MB", [sizes])


def _compare_calls(seconds: float, rounds: int) -> None:
    photo = draw(*KINDS["500x375, 50 kB"])
    serving_port, port = free_port(), free_port()
    settings = {"DETECTOR_PORT": str(port), "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{serving_port}"}
    pipe = subprocess.PIPE
    with (
        running([sys.executable, "-m", "benchmarks.echo", str(serving_port)]),
        running([sys.executable, "-m", "detector_api"], settings) as gateway,
        subprocess.Popen(
            [sys.executable, "-m", CLIENT, str(serving_port)], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as client,
    ):
        assert client.stdin
        assert client.stdout
        wait_for_http(f"http://127.0.0.1:{port}/readyz")
        calls = []
        for number in range(rounds + 1):
            before = cpu_seconds(gateway.pid)
            answered = sender.run(port, [photo], 1, seconds).ok
            ours = (cpu_seconds(gateway.pid) - before) / answered - decode(photo, seconds / 4)[1]
            before = cpu_seconds(client.pid)
            client.stdin.write(b"%f\n" % seconds)
            client.stdin.flush()
            called = int(client.stdout.readline())
            theirs = (cpu_seconds(client.pid) - before) / called
            if number:  # the first one warms up
                calls.append((1000 * ours, 1000 * theirs))
        _print("CPU time of a call, without decoding", "ms", calls)
        _print("resident memory", "MB", [(resident_megabytes(gateway.pid), resident_megabytes(client.pid))])
        client.stdin.close()


def _print(what: str, unit: str, rounds: list[tuple[float, float]]) -> None:
    ours, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(f"{what}: gateway {ours:.2f} {unit}, client {theirs:.2f} {unit}, ratio {ratio:.3f}", flush=True)


def _import(module: str) -> float:
    """Return the CPU time, in seconds, of a process that only imports a module."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def installed_megabytes(name: str, extras: set[str]) -> float:
    """Return the size of an installed distribution and of all that it requires, by the records of their files."""
    sizes: dict[str, int] = {}
    waiting = [(name, extra) for extra in {"", *extras}]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        found = distribution(name)
        sizes[name] = sum(file.size or 0 for file in found.files or ())
        for requirement in map(Requirement, found.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted = {(canonicalize_name(requirement.name), extra) for extra in {"", *requirement.extras}}
                waiting += wanted - seen
                seen |= wanted
    return sum(sizes.values()) / 1e6


if __name__ == "__main__":
    main()
