"""Measure what `deploy.capacity` wants to know of this machine: CPU time of a photo in the server and in the gateway.

    .venv/bin/python -m deploy.measure models/dog_breed dog.jpg [--photos 200]

CPU time and not the clock's, so that it holds on a machine that does other things too.
"""

from __future__ import annotations

import argparse
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.processes import cpu_seconds, free_port, running, wait_for_http
from benchmarks.stack import multipart

# So many at once that the server never waits for the next photo.
CLIENTS = 8
WARM_UP = 16


def main() -> None:
    """Start gateway and local server, send photos, and print the arguments of `deploy.capacity`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the model's versions")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--photos", type=int, default=200, help="how many times it is sent (%(default)s)")
    options = parser.parse_args()
    photo = options.photo.read_bytes()

    grpc, http = free_port(), free_port()
    server = [
        str(Path(sys.executable).with_name("tensorflow_model_server")),
        f"--port={grpc}",
        "--model_name=dog_breed",
    ]
    server.append(f"--model_base_path={options.model.resolve()}")
    environment = {
        "DETECTOR_PORT": str(http),
        "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{grpc}",
        "DETECTOR_DEADLINE_SECONDS": "60",
        "DETECTOR_MIN_IN_FLIGHT": str(CLIENTS),  # all are taken in: what is measured is the work, not the waiting
    }
    gateway = [sys.executable, "-m", "detector_api"]
    with running(server) as serving, running(gateway, environment) as gate, ThreadPoolExecutor(CLIENTS) as pool:
        wait_for_http(f"http://127.0.0.1:{http}/readyz")
        list(pool.map(lambda _: _send(http, photo), range(WARM_UP)))
        before = cpu_seconds(serving.pid), cpu_seconds(gate.pid)
        list(pool.map(lambda _: _send(http, photo), range(options.photos)))
        served, gated = cpu_seconds(serving.pid) - before[0], cpu_seconds(gate.pid) - before[1]
    print(
        f"--photos-per-core-second {options.photos / served:.1f} "
        f"--gateway-milliseconds {gated / options.photos * 1000:.1f} --photo-kilobytes {len(photo) / 1000:.0f}"
    )


def _send(port: int, photo: bytes) -> None:
    body, boundary = multipart(photo)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/predict_breed", body, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        reply.read()


if __name__ == "__main__":
    main()
