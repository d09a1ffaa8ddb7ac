"""Photos a second of gateway and local server, as a ratio to those of the same service as other people build it.

    .venv/bin/python -m benchmarks.peers [--backbone densenet201] [--rounds 3] [--seconds 5]
    .venv/bin/python -m benchmarks.peers --int8 [--isa AVX2]

Each of the others takes the upload of a photo and answers its breed. A first draft calls the Keras model as tutorials
do. Three have the exported SavedModel in their own process: FastAPI a photo at a time, LitServe and BentoML in batches
of 4 photos, as the local server makes them for `make run`. All take turns, and medians over the rounds count. Those
whose turn it is not stand still: LitServe looks for work all the time, and would take a sixth of a core from others.

The others take in any number of photos, and so does the gateway here: the bound that makes it refuse what would wait
too long is lifted by its settings. The model has random weights, which changes no speed. With `--int8` it is the
starter, in int8 behind the gateway and in fp32 with the three others, as in `benchmarks.stack`; the first draft is left
out.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.environment import FOLDER, peers_python
from benchmarks.pictures import KINDS, draw
from benchmarks.processes import free_port, running, wait_for_http
from benchmarks.sender import Result, run
from benchmarks.stack import (
    AS_MAKE_RUN,
    BREEDS,
    PREDICT,
    add_int8,
    export_random,
    export_starter,
    limit_isa,
    stack,
)

CLIENTS = (1, 8, 32)
WARM_UP_SECONDS = 4  # at each number of clients, as BentoML learns from the latest photos how long to wait for more
FIRST_DRAFT = (sys.executable, "-m", "benchmarks.peers.first_draft")
FASTAPI = (sys.executable, "-m", "benchmarks.peers.saved_model_app")
LITSERVE = ("-m", "benchmarks.peers.litserve_app")
BENTOML = ("-m", "bentoml", "serve", "benchmarks.peers.bentoml_app:Breeds", "--host=127.0.0.1")


class Service(NamedTuple):
    """A service's address; `group` are the processes that stand still when it is not its turn, if any."""

    port: int
    path: str
    group: int | None = None

    def run(self, photos: Sequence[bytes], clients: int, seconds: float) -> Result:
        """Upload the photos in turn from so many clients."""
        with self.turn():
            return run(self.port, photos, clients, seconds, self.path)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let the service go on while the block runs."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        if self.group:
            os.killpg(self.group, number)


def main() -> None:
    """Start all of them, and print lines for each kind of photo and number of clients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="densenet201")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one turn (%(default)s)")
    add_int8(parser)
    options = parser.parse_args()
    float32 = limit_isa(options.isa)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing behind, least of all what stands still
    python = str(peers_python())
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory()))
        if options.int8:
            version = export_starter(folder / "dog_breed", in_int8=True)
        else:
            version = export_random(options.backbone, folder / "dog_breed")
            save_keras(options.backbone, keras_model(version))
        commands: dict[str, tuple[str, ...]] = {} if options.int8 else {"a first draft": FIRST_DRAFT}
        commands |= {"FastAPI": FASTAPI, "LitServe": (python, *LITSERVE), "BentoML": (python, *BENTOML)}
        services = {name: started.enter_context(peer(version, *one, **float32)) for name, one in commands.items()}
        services["gateway"] = started.enter_context(ours(version.parent, max(options.clients)))
        for kind, picture in KINDS.items():
            photos = [draw(*picture, seed) for seed in range(2)]
            for clients in options.clients:
                print(f"{kind}, {clients} clients:", flush=True)
                compare(services, photos, clients, options.rounds, options.seconds)


def keras_model(version: Path) -> Path:
    """Return where the Keras model stands that is as large as an exported version."""
    return version.parent.parent / "model.keras"


def save_keras(backbone_name: str, file: Path) -> None:
    """Save the Keras model whose likes `export_random` exports."""
    import keras

    from model_serving.backbones import RANDOM, load_backbone

    network = load_backbone(backbone_name, RANDOM).network
    pooled = keras.layers.GlobalAveragePooling2D()(network.output)
    keras.Model(network.input, keras.layers.Dense(BREEDS, "softmax")(pooled)).save(file)


@contextmanager
def ours(model: Path, clients: int) -> Iterator[Service]:
    """Run gateway and local server as `make run` does, but for the bound."""
    with stack(model, *AS_MAKE_RUN, DETECTOR_MIN_IN_FLIGHT=str(clients)) as (port, _):
        yield Service(port, PREDICT)


@contextmanager
def peer(version: Path, *command: str, **variables: str) -> Iterator[Service]:
    """Run one of the others with variables of the environment; it stands still until its first turn."""
    port = free_port()
    environment = {
        "PEER_MODEL": str(version),
        "PEER_KERAS_MODEL": str(keras_model(version)),
        "PEER_PORT": str(port),
        "BENTOML_PORT": str(port),
        "BENTOML_HOME": str(FOLDER / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        **variables,
    }
    with running(command, environment) as process:
        wait_for_http(f"http://127.0.0.1:{port}/readyz")
        service = Service(port, "/predict", process.pid)
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            yield service
        finally:
            os.killpg(process.pid, signal.SIGCONT)


def compare(services: dict[str, Service], photos: Sequence[bytes], clients: int, rounds: int, seconds: float) -> None:
    """Print the gateway's rate as a ratio to that of each other, and how many uploads each failed to answer."""
    for service in services.values():
        service.run(photos, clients, WARM_UP_SECONDS)
    results: dict[str, list[Result]] = {name: [] for name in services}
    for _ in range(rounds):
        for name, service in services.items():
            results[name].append(service.run(photos, clients, seconds))
    mine = results["gateway"]
    for name, theirs in results.items():
        if theirs is not mine:
            ratios = [one.rate / other.rate for one, other in zip(mine, theirs, strict=True)]
            shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"  {statistics.median(ratios):.2f} of the rate of {name} (rounds: {shown})")
    failed = ", ".join(f"{name} {sum(result.failed for result in taken)}" for name, taken in results.items())
    print(f"  uploads without an answer: {failed}", flush=True)


if __name__ == "__main__":
    main()
