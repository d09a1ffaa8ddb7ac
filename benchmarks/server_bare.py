"""The limit of `benchmarks.server`: a session with the exported graph, called in a loop, with nothing around it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.slices import run_slice
from local_server.inference.saved_model import SavedModelServable, SessionSettings


def main() -> None:
    """Print the side of the model's photos; then, for each `threads calls` on stdin, the seconds of all and of each."""
    servable = SavedModelServable.load(Path(sys.argv[1]), SessionSettings())
    session, signature = servable._session, servable.signatures["pixels"]
    pixels = session.graph.get_tensor_by_name(signature.inputs["pixels"].name)
    outputs = [session.graph.get_tensor_by_name(info.name) for info in signature.outputs.values()]
    call = session.make_callable(outputs, [pixels])
    photo = np.random.default_rng(0).integers(0, 256, (1, *pixels.shape[1:]), np.uint8)
    call(photo)
    print(pixels.shape[1], flush=True)
    for line in sys.stdin:
        threads, calls = map(int, line.split())
        print(json.dumps(run_slice([lambda: call(photo)] * threads, calls)), flush=True)


if __name__ == "__main__":
    main()
