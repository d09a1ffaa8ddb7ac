"""Honest callers before two nodes, while versions change and one node is cut off.

    sudo .venv/bin/python -m benchmarks.nodes [--seconds 600] [--callers 8]

Each node is a network namespace with a gateway and a local server of its own; nginx stands before both, and each
gateway asks both servers. Callers send without a pause and come back when they are told to. Meanwhile version 2
becomes the canary of a fifth of them, the second node's cable is pulled, version 2 is promoted, the cable is plugged
in, and version 2 is rolled back. Each answer is compared with the one that its photo got of its version when nobody
else asked.

All share the cores, so that the rate says little. Version 2 is the starter model at another size of its input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.load import Outcome, Sender, judge
from benchmarks.nodes.front import front
from benchmarks.nodes.network import Node, enter, node
from benchmarks.processes import running, wait_for_http
from benchmarks.stack import draw_photo, export_starter
from model_serving.releases.labels import begin_labels, follow_live, serve_canary
from model_serving.releases.shelf import promote, rollback

PHOTOS = 8
SIZES = (260, 224)
GATEWAY_PORT, GRPC_PORT, REST_PORT = 8000, 8500, 8501
CANARY_PERCENT = 20
# How long servers and gateways may take to follow the file.
FOLLOW_SECONDS = 120

Known = dict[int, list[Outcome]]


def start(machine: Node, servers: list[str], config: Path, stack: ExitStack) -> None:
    """Run a local server and a gateway on a node."""
    server = [sys.executable, "-m", "local_server.main", f"--host={machine.address}", f"--port={GRPC_PORT}"]
    server += [f"--rest_api_port={REST_PORT}", f"--model_config_file={config}"]
    server += ["--model_config_file_poll_wait_seconds=1", "--allow_version_labels_for_unavailable_models"]
    settings = {
        "DETECTOR_HOST": machine.address,
        "DETECTOR_PORT": str(GATEWAY_PORT),
        "DETECTOR_SERVING_ADDRESS": ",".join(f"{address}:{GRPC_PORT}" for address in servers),
        "DETECTOR_TRUSTED_PROXIES": "10.77.0.0/16",
        "DETECTOR_MODEL_CONFIG_FILE": str(config),
    }
    stack.enter_context(running(machine.command(*server)))
    stack.enter_context(running(machine.command(sys.executable, "-m", "detector_api"), settings))


async def learn(sender: Sender, version: int) -> list[Outcome]:
    """Return the version's answers to all photos, as soon as it is the one that answers."""
    end = time.monotonic() + FOLLOW_SECONDS
    while True:
        outcomes = await sender.in_turn(PHOTOS)
        if all(outcome.status == 200 and version_of(outcome) == version for outcome in outcomes):
            return outcomes
        if time.monotonic() > end:
            raise TimeoutError(f"version {version} does not answer: {outcomes[-1]}")


def version_of(outcome: Outcome) -> int:
    """Return the version that has answered."""
    return int(json.loads(outcome.body)["model"]["version"])


async def measure(port: int, model: Path, second: Node, seconds: float, callers: int) -> None:
    """Let the callers ask while all this happens, and print what became of their photos."""
    sender = Sender(port, [draw_photo(number) for number in range(PHOTOS)])
    known: Known = {1: await learn(sender, 1)}
    serve_canary(model, 2, 100)
    known[2] = await learn(sender, 2)
    serve_canary(model, 2, 0)
    await learn(sender, 1)

    def promote_canary() -> None:
        promote(model, 2)
        follow_live(model)

    def roll_back() -> None:
        rollback(model)
        follow_live(model)

    events: list[tuple[float, str, Callable[[], object]]] = [
        (0.1, f"version 2 becomes the canary of {CANARY_PERCENT} %", partial(serve_canary, model, 2, CANARY_PERCENT)),
        (0.3, "the second node is cut off", second.cut_off),
        (0.45, "version 2 is promoted", promote_canary),
        (0.6, "the second node is back", second.join),
        (0.8, "version 2 is rolled back", roll_back),
    ]

    async def happen(when: float, event: Callable[[], object]) -> None:
        await asyncio.sleep(when * seconds)
        await asyncio.to_thread(event)

    happening = [asyncio.create_task(happen(when, event)) for when, _, event in events]
    start_time = time.perf_counter()
    outcomes = await sender.without_pause(callers, seconds)
    await asyncio.gather(*happening)
    sender.close()
    for (when, name, _), following in zip(events, [*events[1:], (1.0, "", None)], strict=True):
        taken = [one for one in outcomes if when * seconds <= one.begun - start_time < following[0] * seconds]
        print(f"{name}: {describe(taken, known)}")
    print(f"all {seconds:.0f} s, {callers} callers: {describe(outcomes, known)}", flush=True)


def describe(outcomes: list[Outcome], known: Known) -> str:
    """Return how many photos were answered as they should be, by which version, and how late the last one was."""
    by_version: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_version[version_of(outcome) if outcome.status == 200 else 0].append(outcome)
    verdicts: Counter[str] = Counter()
    for version, those in by_version.items():
        verdicts += judge(those, known.get(version, known[1]))
    told = ", ".join(f"{verdict} {count}" for verdict, count in sorted(verdicts.items()))
    versions = ", ".join(f"{len(by_version[version])} by version {version}" for version in sorted(known))
    slowest = max((outcome.seconds for outcome in outcomes), default=0.0)
    return f"{told} ({versions}); slowest {slowest:.1f} s"


def main() -> None:
    """Export two versions, build the network, start everything in it, and print what became of the photos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="%(default)s")
    parser.add_argument("--callers", type=int, default=8, help="%(default)s")
    options = parser.parse_args()
    enter("benchmarks.nodes")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = folder / "dog_breed"
        for size in SIZES:
            version = export_starter(model, size)
        (model / ".shelf").mkdir()
        shutil.move(version, model / ".shelf" / version.name)
        nodes = [stack.enter_context(node(number)) for number in (1, 2)]
        addresses = [one.address for one in nodes]
        config = begin_labels(model)
        for one in nodes:
            start(one, addresses, config, stack)
        for address in addresses:
            wait_for_http(f"http://{address}:{GATEWAY_PORT}/readyz")
        (folder / "nginx").mkdir()
        serving = f"{addresses[0]}:{REST_PORT}"
        port = stack.enter_context(front(folder / "nginx", addresses, GATEWAY_PORT, serving))
        wait_for_http(f"http://127.0.0.1:{port}/readyz")
        asyncio.run(measure(port, model, nodes[1], options.seconds, options.callers))


if __name__ == "__main__":
    main()
