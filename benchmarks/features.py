"""Features of photos on disk, as `dog-breed train` computes them, against the bare backbone on tensors that are ready.

    .venv/bin/python -m benchmarks.features [--backbones efficientnet_lite2,densenet201] [--photos 96] [--rounds 7]
    TF_ENABLE_ONEDNN_OPTS=1 .venv/bin/python -m benchmarks.features --int8

Both take turns on the same photos; each ratio is of the first to the second, by the clock and by the CPU time, which
does not mind what else the machine does. The first has reading, hashing, decoding and keeping to do as well, and runs
the rewritten graph, the second is the network as Keras runs it. The weights are random, which changes no speed. With
`--int8` the first is the starter in int8, and the second its features in fp32, as `train --no-int8` computes them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
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
from model_serving.training.int8 import extracting

# Width, height and bytes: a photo of the web, and one of a data set of thumbnails.
SIZES = ((500, 375, 45_000), (64, 64, 2_500))


def main() -> None:
    """Print a ratio for each backbone and each size of photo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", default="efficientnet_lite2,densenet201")
    parser.add_argument("--photos", type=int, default=96, help="photos a turn (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of both (%(default)s)")
    parser.add_argument("--int8", action="store_true", help="the starter's features in int8, against those in fp32")
    options = parser.parse_args()
    for name in ["efficientnet_lite2"] if options.int8 else options.backbones.split(","):
        backbone = load_backbone(name, None if options.int8 else RANDOM)
        for width, height, size in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                ratios = _ratios(
                    backbone, Path(folder), (width, height, size), options.photos, options.rounds, options.int8
                )
            for what, values in zip(("rate", "photos a CPU second"), zip(*ratios, strict=True), strict=True):
                shown = ", ".join(f"{value:.2f}" for value in values)
                median = statistics.median(values)
                print(f"{name}, {width}x{height}, {what}: {median:.2f} (rounds: {shown})", flush=True)


def _ratios(
    backbone: Backbone, folder: Path, shape: tuple[int, int, int], count: int, rounds: int, in_int8: bool
) -> list[tuple[float, float]]:
    """Return for each round the ratio by the clock, and that by the CPU time of all threads."""
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(draw(*shape, seed=number))
    photos = [LabelledPhoto(path, "Pug") for path in paths]

    def extract(extractor: Backbone, turn: int) -> None:
        cache = FeatureCache(folder / f"{turn}.sqlite", extractor.fingerprint)  # which tells both apart
        with contextlib.redirect_stderr(io.StringIO()):  # the progress line
            extract_features(extractor, photos, cache, "features")
        cache.close()

    first = partial(extract, extracting(backbone, in_int8))
    second = partial(extract, backbone) if in_int8 else _bare(backbone, paths)
    first(-1)
    second(-1)
    ratios = []
    for turn in range(rounds):
        (clock, cpu), (other_clock, other_cpu) = _seconds(partial(first, turn)), _seconds(partial(second, turn))
        ratios.append((other_clock / clock, other_cpu / cpu))
    return ratios


def _bare(backbone: Backbone, paths: Sequence[Path]) -> Callable[[int], None]:
    pixels = np.stack([np.asarray(read_pixels(path.read_bytes(), backbone.geometry)) for path in paths])
    batches = [tf.constant(pixels[start : start + BATCH], tf.float32) for start in range(0, len(paths), BATCH)]
    network = tf.function(lambda batch: backbone.network(batch, training=False))

    def bare(_: int) -> None:
        for batch in batches:
            network(batch).numpy()

    return bare


def _seconds(call: Callable[[], None]) -> tuple[float, float]:
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


if __name__ == "__main__":
    main()
