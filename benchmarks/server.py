"""Photos a second of the local server over gRPC, as a ratio to a bare session called by as many threads.

    .venv/bin/python -m benchmarks.server [--model FOLDER] [--backbone densenet201] [--rounds 5] [--seconds 4]

Bare session, server, and server with `model_serving/batching/cpu.txt` take turns in short slices, so that all meet the
same moods of the machine; what is printed are medians over the rounds. The ratio of CPU times, those of server and
clients together against that of the bare session, can be trusted on a busy machine too. Without `--model` a model with
random weights is exported first, which changes no speed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np

from benchmarks.processes import ask, cpu_seconds, free_port, running
from benchmarks.slices import run_slice
from benchmarks.stack import export_random
from detector_api.serving.protos import serving_pb2 as pb
from detector_api.serving.tensors import image_request
from model_serving.savedmodel.versions import latest_version

CLIENTS = (1, 8, 32)
BATCHING = Path(__file__).parent.parent / "model_serving" / "batching" / "cpu.txt"
START_SECONDS = 120
CALL_SECONDS = 120


def main() -> None:
    """Start everything, and print a line for each number of clients and each server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a model's versions; the newest is measured")
    parser.add_argument("--backbone", default="densenet201", help="what to export without --model (%(default)s)")
    parser.add_argument("--batching", type=Path, default=BATCHING, help="batching parameters (%(default)s)")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="about how long one slice takes (%(default)s)")
    options = parser.parse_args()

    with ExitStack() as stack:
        model = options.model
        if model is None:
            model = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "dog_breed"
            export_random(options.backbone, model)
        bare = Bare(latest_version(model))
        stack.callback(bare.close)
        batching = ("--enable_batching", f"--batching_parameters_file={options.batching}")
        servers = {
            "as it is": stack.enter_context(serving(model, bare.size)),
            "with batching": stack.enter_context(serving(model, bare.size, *batching)),
        }
        for clients in options.clients:
            compare(bare, servers, clients, options.rounds, options.seconds)


class Slice(NamedTuple):
    """Cost of a number of calls: seconds on the clock and of CPU time, and the seconds of each call."""

    seconds: float
    cpu: float
    calls: list[float]


class Bare:
    """A process that calls the session; `size` is the side of the model's photos."""

    def __init__(self, version: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.server_bare", str(version)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout
        self.size = int(self._process.stdout.readline())

    def run(self, threads: int, calls: int) -> Slice:
        """Make so many calls from so many threads."""
        before = cpu_seconds(self._process.pid)
        seconds, times = json.loads(ask(self._process, f"{threads} {calls}"))
        return Slice(seconds, cpu_seconds(self._process.pid) - before, times)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Clients:
    """Send one photo again and again to a server, each over a connection of its own."""

    def __init__(self, port: int, pid: int, size: int) -> None:
        self.pid = pid
        self._target = f"127.0.0.1:{port}"
        photo = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8).tobytes()
        spec = pb.ModelSpec(name="dog_breed", signature_name="pixels")
        self._request = image_request(spec, photo, size, size)
        self._callers: list[Callable[[], object]] = []

    def run(self, clients: int, calls: int) -> Slice:
        """Send so many photos from so many clients."""
        while len(self._callers) < clients:
            self._callers.append(self._connect())
        before = self._cpu()
        seconds, times = run_slice(self._callers[:clients], calls)
        return Slice(seconds, self._cpu() - before, times)

    def _cpu(self) -> float:
        return cpu_seconds(self.pid) + cpu_seconds(os.getpid(), alone=True)  # whose child the server is

    def _connect(self) -> Callable[[], object]:
        channel = grpc.insecure_channel(self._target, [("grpc.use_local_subchannel_pool", 1)])
        grpc.channel_ready_future(channel).result(START_SECONDS)
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        return lambda: call(self._request, timeout=CALL_SECONDS)


@contextmanager
def serving(model: Path, size: int, *flags: str) -> Iterator[Clients]:
    """Run the local server; yield clients of it."""
    port = free_port()
    command = [sys.executable, "-m", "local_server.main", "--host=127.0.0.1", f"--port={port}"]
    with running([*command, "--model_name=dog_breed", f"--model_base_path={model.resolve()}", *flags]) as process:
        clients = Clients(port, process.pid, size)
        clients.run(1, 1)
        yield clients


def compare(bare: Bare, servers: dict[str, Clients], clients: int, rounds: int, seconds: float) -> None:
    """Print how the servers stand to the bare session, and how even their calls are."""
    calls = 2 * clients
    calls = max(calls, round(calls / bare.run(clients, calls).seconds * seconds))
    limits: list[Slice] = []
    slices: dict[str, list[Slice]] = {name: [] for name in servers}
    for _ in range(rounds):
        limits.append(bare.run(clients, calls))
        for name, server in servers.items():
            slices[name].append(server.run(clients, calls))
    for name, taken in slices.items():
        rates = [limit.seconds / one.seconds for limit, one in zip(limits, taken, strict=True)]
        cpu = statistics.median(limit.cpu / one.cpu for limit, one in zip(limits, taken, strict=True))
        print(
            f"{clients} clients, {name}: {statistics.median(rates):.2f} of the bare session's rate "
            f"(rounds: {', '.join(f'{rate:.2f}' for rate in rates)}), {cpu:.2f} by CPU time; "
            f"p99 {_tail(taken):.2f} times the p50",
            flush=True,
        )
    print(f"{clients} clients, the bare session: p99 {_tail(limits):.2f} times the p50", flush=True)


def _tail(taken: list[Slice]) -> float:
    """Return the p99 of all calls, each against the usual one of its slice, as the machine changes its pace."""
    return float(np.percentile(np.concatenate([np.divide(one.calls, np.median(one.calls)) for one in taken]), 99))


if __name__ == "__main__":
    main()
