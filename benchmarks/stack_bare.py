"""The limit of `benchmarks.stack`: the exported graph called in a loop, with nothing around it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.stack import calls_made, repeat
from model_serving.savedmodel.exported_model import ExportedModel


def main() -> None:
    """Print the calls of one version a second and a CPU second, by a number of threads, over a number of seconds."""
    version, threads, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    model = ExportedModel(version)
    size = model.card.input_size
    pixels = np.zeros((1, size, size, 3), np.uint8)
    outputs = ["top_breeds", "top_probabilities", "dog_probability"]

    def call() -> None:
        model.ask(pixels, outputs=outputs)

    call()
    before = time.process_time()
    times = repeat(lambda: call, threads, seconds)
    print(len(times) / seconds, calls_made(times, threads) / (time.process_time() - before))


if __name__ == "__main__":
    main()
