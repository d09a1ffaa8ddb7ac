"""Gate of a graph in int8: a version has one only if its answers are nearly those in fp32, and come faster here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from model_serving.backbones import Backbone
from model_serving.backbones.backbone import FrozenNetwork
from model_serving.backbones.int8 import Int8Record, int8_networks
from model_serving.errors import Int8Error
from model_serving.graph_rewrites.int8 import kernels
from model_serving.savedmodel.comparison import FEWEST_PHOTOS, Comparison, Limits, reasons

_NO_KERNELS = "this machine cannot run it"
# How often the rate in int8 must be that in fp32.
LEAST_SPEEDUP = 4 / 3
# Pixels and turns by which the rate is measured.
_PHOTOS, _TURNS = 4, 3


# ImageNet's 118 dogs are near neighbours: more of its answers are between two breeds.
IMAGENET_LIMITS = Limits(fall=0.005, agreement=0.965, change=0.025)


def gated(backbone: Backbone, record: Int8Record | None, accuracy: Comparison | None, limits: Limits) -> dict[str, Any]:
    """Return what the card says of int8: whether a version keeps a graph in it, why not, and the figures.

    `record` has the ranges, if there are any, and `accuracy` is that of the head on photos it was not fitted to, None
    if it is not known.
    """
    reason = obstacle(record is not None, accuracy.photos if accuracy else 0)
    if reason or record is None or accuracy is None:
        return refused(reason)
    speedup = measure_speedup(backbone, int8_networks(backbone, record).at_size)
    return gate(accuracy, speedup, limits) | {"ranges": record.photos}


def gate(accuracy: Comparison, speedup: float | None, limits: Limits) -> dict[str, Any]:
    """Return whether such a graph is kept, why not, and the figures; `speedup` is as `measure_speedup` returns it."""
    why_not = [*reasons(accuracy, limits), *_slowness(speedup)]
    return accuracy.figures() | {
        "kept": not why_not,
        "why_not": "; ".join(why_not),
        "speedup": speedup and round(speedup, 2),
    }


def obstacle(has_ranges: bool = True, photos: int = FEWEST_PHOTOS) -> str:
    """Return why there can be no such graph, whatever its answers would be; nothing if there can.

    `photos` is how many there are to judge it by.
    """
    if not kernels.run_here():
        return _NO_KERNELS
    if not has_ranges:
        return "there are no ranges for these weights at this input size"
    if photos < FEWEST_PHOTOS:
        return f"it takes {FEWEST_PHOTOS} photos that the head was not fitted to, and there are {photos}"
    return ""


def require_possible(has_ranges: bool = True, photos: int = FEWEST_PHOTOS) -> None:
    """Raise `Int8Error` if there can be no such graph, for one that was asked for by name."""
    if reason := obstacle(has_ranges, photos):
        raise Int8Error(f"There can be no graph in int8: {reason}. Without --int8 the version is made all the same.")


def refused(reason: str) -> dict[str, Any]:
    """Return what the card says of a graph that is not made."""
    return {"kept": False, "why_not": reason}


def _slowness(speedup: float | None) -> Iterator[str]:
    if speedup is None:
        yield _NO_KERNELS
    elif speedup < LEAST_SPEEDUP:
        yield f"it is {speedup:.2f} times as fast here, less than {LEAST_SPEEDUP:.2f}"


def measure_speedup(backbone: Backbone, int8: FrozenNetwork) -> float | None:
    """Return how many times the photos a CPU second in int8 are those in fp32; None where its ops have no kernels."""
    size = backbone.geometry.size
    pixels = np.random.default_rng(0).integers(0, 256, (_PHOTOS, size, size, 3), np.uint8)
    with _session(backbone.frozen) as in_float32, _session(int8) as in_int8:
        runs = [(in_float32, backbone.frozen), (in_int8, int8)]
        try:
            turns = [[_cpu_seconds(*run, pixels) for run in runs] for _ in range(1 + _TURNS)]
        except tf.errors.OpError:
            return None
    float32_seconds, int8_seconds = np.min(turns[1:], axis=0)  # the first turn prepares
    return float(float32_seconds / int8_seconds)


def _session(network: FrozenNetwork) -> tf.compat.v1.Session:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(network.graph_def, name="")
    return tf.compat.v1.Session(graph=graph)


def _cpu_seconds(session: tf.compat.v1.Session, network: FrozenNetwork, pixels: np.ndarray) -> float:
    start = time.process_time()
    session.run(network.features, {network.pixels: pixels})
    return time.process_time() - start
