"""The limit of `benchmarks.stack`: the exported graph called in a loop, with nothing around it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.stack import repeat
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings


def main() -> None:
    """Print the calls a second of one version, by a number of threads, over a number of seconds."""
    version, threads, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    servable = SavedModelServable.load(version, SessionSettings())
    size = servable.signatures["pixels"].inputs["pixels"].tensor_shape.dim[1].size
    pixels = np.zeros((1, size, size, 3), np.uint8)
    outputs = ["top_breeds", "top_probabilities", "dog_probability"]
    times = repeat(lambda: lambda: predict(servable, "pixels", {"pixels": pixels}, outputs), threads, seconds)
    print(len(times) / seconds)


if __name__ == "__main__":
    main()
