"""Photos a second through gateway and local server, as a ratio to the bare model called in a loop.

    .venv/bin/python -m benchmarks.stack [--backbone densenet201] [--seconds 10] [--rounds 3] [--clients 1 8]
    .venv/bin/python -m benchmarks.stack --int8 [--isa AVX2]

The model has random weights, which changes no speed. With `--int8` it is the starter, which the stack serves as
`make run` does, in int8 and in batches, and the bare model is its graph in fp32 as TensorFlow runs it by default. With
`--isa AVX2` oneDNN uses no more of the CPU, and fp32 runs without oneDNN, as by default on a CPU without VNNI. Stack
and bare model take turns, so that both meet the same moods of the machine; the ratio printed is the median over the
rounds. On a busy machine the CPU time of server and gateway is the figure to go by.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.processes import children, cpu_seconds, free_port, resident_megabytes, running, wait_for_http
from dog_breed.laptop import BATCHING
from local_server.tensorflow_import import ONEDNN
from model_serving.savedmodel.tags import INT8_TAGS, SETTING

CLIENTS = (1, 8)
AS_MAKE_RUN = (
    "--enable_batching",
    f"--batching_parameters_file={BATCHING}",
    f"--preferred_saved_model_tags={','.join(INT8_TAGS)}",
)
BREEDS = 133
# The centre of a photo is all that is asked about: a starter would search noise for dogs.
PREDICT = "/api/v1/predict_breed?find=no"


def main() -> None:
    """Export a model, start the stack, and print a line for each number of clients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="densenet201")
    parser.add_argument("--seconds", type=float, default=10, help="length of one measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of stack and bare model (%(default)s)")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="%(default)s")
    add_int8(parser)
    options = parser.parse_args()
    float32 = limit_isa(options.isa)

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "dog_breed"
        version = export_starter(model, in_int8=True) if options.int8 else export_random(options.backbone, model)
        flags = AS_MAKE_RUN if options.int8 else ()
        # No photo is refused here, however long it takes among the others.
        with stack(model, *flags, DETECTOR_MIN_IN_FLIGHT=str(max(options.clients))) as (gateway_port, gateway_pid):
            for clients in options.clients:
                _compare(version, float32, gateway_port, clients, options.seconds, options.rounds)
            print(f"gateway: {resident_megabytes(gateway_pid):.0f} MB resident")


def add_int8(parser: argparse.ArgumentParser) -> None:
    """Add the options for the starter in int8 to a benchmark of the stack."""
    parser.add_argument("--int8", action="store_true", help="the starter in int8, against its graph in fp32")
    parser.add_argument("--isa", help="the most of the CPU that oneDNN may use, such as AVX2 (all)")


def limit_isa(isa: str | None) -> dict[str, str]:
    """Have oneDNN in all processes that are started use no more of the CPU; return variables that choose fp32."""
    if isa:
        os.environ["ONEDNN_MAX_CPU_ISA"] = isa
    return {SETTING: "off"} | ({ONEDNN: "0"} if isa else {})


def _compare(
    version: Path, environment: Mapping[str, str], port: int, clients: int, seconds: float, rounds: int
) -> None:
    ratios, cpu_ratios, latencies = [], [], []
    parts = children(os.getpid())  # server and gateway
    for _ in range(rounds):
        bare, bare_by_cpu = _bare_rates(version, environment, clients, seconds)
        before = sum(map(cpu_seconds, parts))
        times = repeat(lambda: _sender(port), clients, seconds)
        ratios.append(len(times) / seconds / bare)
        cpu_ratios.append(calls_made(times, clients) / (sum(map(cpu_seconds, parts)) - before) / bare_by_cpu)
        latencies += [taken * bare / clients for taken in times]
    for what, found in (("rate", ratios), ("photos a CPU second", cpu_ratios)):
        shown = ", ".join(f"{ratio:.2f}" for ratio in found)
        print(f"{clients} clients: {statistics.median(found):.2f} of the bare model's {what} (rounds: {shown})")
    median, slow = np.percentile(latencies, [50, 99])
    print(f"{clients} clients: latency in bare calls: median {median:.2f}, p99 {slow:.2f}", flush=True)


def export_random(backbone_name: str, model: Path) -> Path:
    """Export a model with random weights, which changes no speed; return its version."""
    from local_server.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    from model_serving.backbones import RANDOM, Classifier, load_backbone
    from model_serving.savedmodel.card import ModelCard
    from model_serving.savedmodel.export import export_model

    backbone = load_backbone(backbone_name, RANDOM)
    features = backbone.network.output_shape[-1]
    kernel = np.random.default_rng(0).normal(size=(features, BREEDS)).astype(np.float32)
    breeds = tuple(f"Breed {number}" for number in range(BREEDS))
    card = ModelCard("trained", backbone_name, backbone.geometry.size, backbone.geometry.crop, breeds, False)
    return export_model(model, backbone, Classifier(kernel, np.zeros(BREEDS, np.float32)), card)


def export_starter(model: Path, size: int | None = None, *, in_int8: bool = False) -> Path:
    """Export the starter model at an input of `size` pixels a side; return its version. It tells photos apart."""
    from local_server.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    from model_serving.backbones import load_backbone
    from model_serving.savedmodel.export import export_imagenet_head

    return export_imagenet_head(model, load_backbone("efficientnet_lite2", None, size), in_int8=in_int8)


@contextmanager
def stack(model: Path, *flags: str, **settings: str) -> Iterator[tuple[int, int]]:
    """Run the local server with `flags` and the gateway with `settings`; yield the gateway's port and process id."""
    grpc_port, rest_port, gateway_port = free_port(), free_port(), free_port()
    server = [sys.executable, "-m", "local_server.main", "--host=127.0.0.1", f"--port={grpc_port}"]
    server += [f"--rest_api_port={rest_port}", "--model_name=dog_breed", f"--model_base_path={model}", *flags]
    settings |= {"DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{grpc_port}", "DETECTOR_PORT": str(gateway_port)}
    with running(server), running([sys.executable, "-m", "detector_api"], settings) as gateway:
        wait_for_http(f"http://127.0.0.1:{gateway_port}/readyz")
        yield gateway_port, gateway.pid


def _sender(port: int) -> Callable[[], None]:
    """Return a function that sends one photo over a connection of its own and insists on an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body, boundary = multipart(draw_photo())
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}

    def send() -> None:
        connection.request("POST", PREDICT, body, headers)
        reply = connection.getresponse()
        answer = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{reply.status}: {answer!r}")

    return send


def draw_photo(seed: int = 0) -> bytes:
    """Draw a photo of 500 x 375 pixels with as much detail as a camera's."""
    noise = np.random.default_rng(seed).integers(0, 256, (75, 100, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def multipart(photo: bytes) -> tuple[bytes, str]:
    """Return the body that uploads a photo, and its boundary."""
    boundary = "benchmark"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="dog_image"; filename="a.jpg"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{boundary}--\r\n".encode(), boundary


def repeat(make_call: Callable[[], Callable[[], None]], threads: int, seconds: float) -> list[float]:
    """Call in a loop from each of `threads` threads; return how long each call took that ended in time, in seconds."""
    times: list[float] = []
    errors: list[BaseException] = []
    calls = [make_call() for _ in range(threads)]
    for call in calls:
        call()
    end = time.perf_counter() + seconds

    def loop(call: Callable[[], None]) -> None:
        try:
            while (start := time.perf_counter()) < end:
                call()
                if (now := time.perf_counter()) <= end:
                    times.append(now - start)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=loop, args=(call,)) for call in calls]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return times


def calls_made(times: Sequence[float], threads: int) -> int:
    """Return how many calls `repeat` made: with one of each thread before it began, and one that ended too late."""
    return len(times) + 2 * threads


def _bare_rates(version: Path, environment: Mapping[str, str], threads: int, seconds: float) -> tuple[float, float]:
    """Return calls a second, and a CPU second, of the exported graph on ready pixels, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stack_bare", str(version), str(threads), str(seconds)]
    variables = os.environ | dict(environment)
    done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    rate, by_cpu = map(float, done.stdout.split())
    return rate, by_cpu


if __name__ == "__main__":
    main()
