"""Features of photos on disk, as `dog-breed train` computes them, against the bare backbone on tensors that are ready.

    .venv/bin/python -m benchmarks.features [--backbones efficientnet_lite2,densenet201] [--photos 96] [--rounds 7]

Both take turns on the same photos; each ratio is the rate of the first to that of the second, so that 1 would mean that
reading, hashing, decoding and keeping features cost nothing. The weights are random, which changes no speed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable
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
            shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"{name}, {width}x{height}: {statistics.median(ratios):.2f} (rounds: {shown})", flush=True)


def _ratios(backbone: Backbone, folder: Path, shape: tuple[int, int, int], count: int, rounds: int) -> list[float]:
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
    return [1 / (_seconds(lambda turn=turn: extract(turn)) / _seconds(bare)) for turn in range(rounds)]


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
