"""Features of photos on disk, as `dog-breed train` computes them, against the bare backbone on tensors that are ready.

    .venv/bin/python -m benchmarks.features [--backbones efficientnet_lite2,densenet201] [--photos 96] [--rounds 7]

Both take turns on the same photos; each ratio is of the first to the second, by the clock and by the CPU time, which
does not mind what else the machine does. The first has reading, hashing, decoding and keeping to do as well, and runs
the rewritten graph, the second is the network as Keras runs it. The weights are random, which changes no speed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.pictures import draw
from model_serving.backbones import RANDOM, Backbone, load_backbone
from model_serving.data.batches import BATCH
from model_serving.data.dataset import LabelledPhoto
from model_serving.photos import read_pixels
from model_serving.training.features import FeatureCache, extract_features

# Width, height and bytes: a photo of the web, and one of a data set of thumbnails.
SIZES = ((500, 375, 45_000), (64, 64, 2_500))


def main() -> None:
    """Print a ratio for each backbone and each size of photo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", default="efficientnet_lite2,densenet201")
    parser.add_argument("--photos", type=int, default=96, help="photos a turn (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of both (%(default)s)")
    options = parser.parse_args()
    for name in options.backbones.split(","):
        backbone = load_backbone(name, RANDOM)
        for width, height, size in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                ratios = _ratios(backbone, Path(folder), (width, height, size), options.photos, options.rounds)
            for what, values in zip(("rate", "photos a CPU second"), zip(*ratios, strict=True), strict=True):
                shown = ", ".join(f"{value:.2f}" for value in values)
                median = statistics.median(values)
                print(f"{name}, {width}x{height}, {what}: {median:.2f} (rounds: {shown})", flush=True)


def _ratios(
    backbone: Backbone, folder: Path, shape: tuple[int, int, int], count: int, rounds: int
) -> list[tuple[float, float]]:
    """Return for each round the ratio by the clock, and that by the CPU time of all threads."""
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(draw(*shape, seed=number))
    pixels = np.stack([np.asarray(read_pixels(path.read_bytes(), backbone.geometry)) for path in paths])
    batches = [tf.constant(pixels[start : start + BATCH], tf.float32) for start in range(0, count, BATCH)]
    network = tf.function(lambda batch: backbone.network(batch, training=False))

    def bare() -> None:
        for batch in batches:
            network(batch).numpy()

    def extract(turn: int) -> None:
        cache = FeatureCache(folder / f"{turn}.sqlite", backbone.fingerprint)
        with contextlib.redirect_stderr(io.StringIO()):  # the progress line
            extract_features(backbone, [LabelledPhoto(path, "Pug") for path in paths], cache, "features")
        cache.close()

    bare()
    extract(-1)
    ratios = []
    for turn in range(rounds):
        (clock, cpu), (bare_clock, bare_cpu) = _seconds(partial(extract, turn)), _seconds(bare)
        ratios.append((bare_clock / clock, bare_cpu / cpu))
    return ratios


def _seconds(call: Callable[[], None]) -> tuple[float, float]:
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


if __name__ == "__main__":
    main()
