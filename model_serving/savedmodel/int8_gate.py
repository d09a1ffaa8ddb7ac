"""Gate of a graph in int8: a version has one only if its answers are nearly those in fp32, and come faster here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from model_serving.backbones import Backbone
from model_serving.backbones.backbone import FrozenNetwork
from model_serving.backbones.int8 import Int8Record, int8_networks

# How often the rate in int8 must be that in fp32.
LEAST_SPEEDUP = 4 / 3
# Fewer agree by chance.
FEWEST_PHOTOS = 50
# Pixels and turns by which the rate is measured.
_PHOTOS, _TURNS = 4, 3


@dataclass(frozen=True)
class Limits:
    """Largest fall of top-1, least share of the same first breeds, and largest mean change of their probability."""

    fall: float
    agreement: float
    change: float


# ImageNet's 118 dogs are near neighbours: more of its answers are between two breeds.
TRAINED_LIMITS = Limits(fall=0.005, agreement=0.985, change=0.02)
IMAGENET_LIMITS = Limits(fall=0.005, agreement=0.965, change=0.025)


@dataclass(frozen=True)
class Int8Accuracy:
    """Answers in int8 beside those in fp32, over a number of photos: top-1 of both, and as in `Limits`."""

    photos: int
    top1_float32: float
    top1_int8: float
    agreement: float
    change: float


def compare(float32: np.ndarray, int8: np.ndarray, labels: np.ndarray) -> Int8Accuracy:
    """Return how probabilities [N, breeds] in int8 compare with those in fp32, for the right breeds' indices [N]."""
    first, rows = float32.argmax(1), np.arange(len(labels))
    return Int8Accuracy(
        len(labels),
        float((first == labels).mean()),
        float((int8.argmax(1) == labels).mean()),
        float((int8.argmax(1) == first).mean()),
        float(np.abs(int8[rows, first] - float32[rows, first]).mean()),
    )


def gated(
    backbone: Backbone, record: Int8Record | None, accuracy: Int8Accuracy | None, limits: Limits
) -> dict[str, Any]:
    """Return what the card says of int8: whether a version keeps a graph in it, why not, and the figures.

    `record` has the ranges, if there are any, and `accuracy` is that of the head on photos it was not fitted to, None
    if it is not known.
    """
    if record is None:
        return _refused("there are no ranges for these weights at this input size")
    if accuracy is None or accuracy.photos < FEWEST_PHOTOS:
        return _refused(f"it takes {FEWEST_PHOTOS} photos that the head was not fitted to, and a machine that runs it")
    speedup = measure_speedup(backbone, int8_networks(backbone, record).at_size)
    return gate(accuracy, speedup, limits) | {"ranges": record.photos}


def gate(accuracy: Int8Accuracy, speedup: float | None, limits: Limits) -> dict[str, Any]:
    """Return whether such a graph is kept, why not, and the figures; `speedup` is as `measure_speedup` returns it."""
    reasons = list(_reasons(accuracy, speedup, limits))
    figures = {name: round(value, 4) for name, value in asdict(accuracy).items()}
    return figures | {"kept": not reasons, "why_not": "; ".join(reasons), "speedup": speedup and round(speedup, 2)}


def _refused(reason: str) -> dict[str, Any]:
    return {"kept": False, "why_not": reason}


def _reasons(accuracy: Int8Accuracy, speedup: float | None, limits: Limits) -> Iterator[str]:
    fall = accuracy.top1_float32 - accuracy.top1_int8
    if fall > limits.fall:
        yield f"top-1 falls by {fall:.1%}, more than {limits.fall:.1%}"
    if accuracy.agreement < limits.agreement:
        yield f"the first breed agrees on {accuracy.agreement:.1%}, less than {limits.agreement:.1%}"
    if accuracy.change > limits.change:
        yield f"the first probability changes by {accuracy.change:.3f}, more than {limits.change:.3f}"
    if speedup is None:
        yield "this machine cannot run it"
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
