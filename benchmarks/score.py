"""Photos a second of `dog-breed score` with the starter in int8, as a ratio to its graph in fp32.

    .venv/bin/python -m benchmarks.score FOLDER [--rounds 3] [--isa AVX2]

Each is a process of its own, and they take turns at all photos of FOLDER; the median over the rounds counts. What fp32
is, and what `--isa` does, is as in `benchmarks.stack`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.processes import ask
from benchmarks.stack import export_starter, limit_isa
from local_server.tensorflow_import import import_tensorflow_quietly


def main() -> None:
    """Export the starter, let two processes score the folder in turns, and print the ratio; or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (%(default)s)")
    parser.add_argument("--isa", help="the most of the CPU that oneDNN may use, such as AVX2 (all)")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        _answer(options.answer, options.photos)
        return
    float32 = limit_isa(options.isa)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        version = export_starter(Path(folder), in_int8=True)
        processes = [_start(version, options.photos, variables) for variables in (float32, {})]
        for process in processes:
            stack.callback(process.kill)
        turns = [[_turn(process) for process in processes] for _ in range(1 + options.rounds)]
    ratios = [fp32 / int8 for fp32, int8 in turns[1:]]  # the first turn prepares
    print(f"{statistics.median(ratios):.2f} (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def _start(version: Path, photos: Path, variables: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.score", str(photos), "--answer", str(version)]
    pipe = subprocess.PIPE
    environment = os.environ | dict(variables)
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def _turn(process: subprocess.Popen[str]) -> float:
    """Return the seconds that a process takes to score all photos once."""
    return float(ask(process, ""))


def _answer(version: Path, photos: Path) -> None:
    import_tensorflow_quietly()
    from model_serving.scoring.predictors import LocalPredictor
    from model_serving.scoring.score import score

    predictor = LocalPredictor(version)
    with tempfile.TemporaryDirectory() as folder:
        for turn, _ in enumerate(sys.stdin):
            start = time.perf_counter()
            score(photos, predictor, {"turn": str(turn)}, Path(folder) / f"{turn}.csv")
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
