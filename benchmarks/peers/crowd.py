"""The gateway beside LitServe and BentoML under any number of callers who send without a pause.

    .venv/bin/python -m benchmarks.peers.crowd [--seconds 30] [--callers 2 16 64 1000]

Each serves the starter model with the settings that it comes with, and the batches of `benchmarks.peers`; each has its
turn at each number of callers, while the others stand still. A caller who is told when to come back comes back then,
and one who is told nothing at once. Counted is what a caller gets: answers, refusals with a time to come back, and all
else, such as a server's own timeout.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import PATH, WARM_UP_PHOTOS, Outcome, Sender
from benchmarks.peers.__main__ import BENTOML, LITSERVE, Service, peer
from benchmarks.peers.environment import peers_python
from benchmarks.stack import draw_photo, export_starter, stack
from dog_breed.laptop import BATCHING


def measure(name: str, service: Service, callers: int, seconds: float) -> None:
    """Let so many callers ask one service, and print what they got."""

    async def ask() -> tuple[list[Outcome], float]:
        sender = Sender(service.port, [draw_photo(number) for number in range(8)], service.path)
        await sender.in_turn(WARM_UP_PHOTOS)
        start = time.perf_counter()
        outcomes = await sender.without_pause(callers, seconds)
        sender.close()
        return outcomes, time.perf_counter() - start

    with service.turn():
        outcomes, taken = asyncio.run(ask())
    counts = Counter(_kind(outcome) for outcome in outcomes)
    waits = sorted(outcome.seconds for outcome in outcomes if outcome.status == 200) or [0.0]
    refusals = sorted(outcome.seconds for outcome in outcomes if _kind(outcome) == "refused")
    told = f"{dict(counts)}, {counts['answered'] / taken:.1f} a second, "
    told += f"answers after {waits[len(waits) // 2]:.1f} s in the median, {waits[-1]:.1f} s at the latest"
    if refusals:
        told += f"; refusals after {refusals[len(refusals) // 2]:.2f} s in the median"
    print(f"  {name}: {told}", flush=True)


def _kind(outcome: Outcome) -> str:
    if outcome.status == 200:
        return "answered"
    return "refused" if outcome.retry_after else f"status {outcome.status}"


def main() -> None:
    """Start all of them, and print a line for each number of callers and service."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="length of one turn (%(default)s)")
    parser.add_argument("--callers", type=int, nargs="+", default=[2, 16, 64, 1000], metavar="N")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing behind, least of all what stands still
    python = str(peers_python())
    with ExitStack() as started:
        version = export_starter(Path(started.enter_context(tempfile.TemporaryDirectory())) / "dog_breed")
        batching = ("--enable_batching", f"--batching_parameters_file={BATCHING}")
        services = {
            "LitServe": started.enter_context(peer(version, python, *LITSERVE)),
            "BentoML": started.enter_context(peer(version, python, *BENTOML)),
            "gateway": Service(started.enter_context(stack(version.parent, *batching))[0], PATH),
        }
        for callers in options.callers:
            print(f"{callers} callers:", flush=True)
            for name, service in services.items():
                measure(name, service, callers, options.seconds)


if __name__ == "__main__":
    main()
