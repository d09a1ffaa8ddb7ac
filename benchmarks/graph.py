"""The exported graph against the same model as Keras exports it: CPU time a photo, time to load, resident memory.

    .venv/bin/python -m benchmarks.graph [--backbone densenet201] [--rounds 10]

Each ratio is exported to plain, so that less than 1 is better; both take turns, and the median over the rounds counts.
The model has random weights, which changes no speed. Loading ends with a first answer to every signature: the plain
export has one, ours three that run the network.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.saved_model.loader_impl import SavedModelLoader

from benchmarks.processes import resident_megabytes

BATCHES = (1, 8)
PHOTOS_A_TURN = 8
SIGNATURES = ("serving_default", "pixels", "explain")
BREEDS = 133


def main() -> None:
    """Export a model both ways and print the ratios; or, as a child, load one of them and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="densenet201")
    parser.add_argument("--rounds", type=int, default=10, help="turns of both models (%(default)s)")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        print(*_load_cost(options.load))
        return
    with tempfile.TemporaryDirectory() as folder:
        plain, exported = _export(options.backbone, Path(folder))
        _compare_speed(plain, exported, options.rounds)
        _compare_load(plain, exported, max(3, options.rounds // 3))


def _export(backbone_name: str, folder: Path) -> tuple[Path, Path]:
    import keras

    from model_serving.backbones import RANDOM, Classifier, load_backbone
    from model_serving.savedmodel.card import ModelCard
    from model_serving.savedmodel.export import export_model

    backbone = load_backbone(backbone_name, RANDOM)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.network.output)
    head = keras.layers.Dense(BREEDS, activation="softmax")
    keras.Model(backbone.network.input, head(pooled)).export(folder / "plain", verbose=False)
    breeds = tuple(f"Breed {number}" for number in range(BREEDS))
    card = ModelCard("trained", backbone_name, backbone.geometry.size, backbone.geometry.crop, breeds, False)
    return folder / "plain", export_model(folder / "exported", backbone, Classifier(*head.get_weights()), card)


def _compare_speed(plain: Path, exported: Path, rounds: int) -> None:
    models = [_load(plain)["serving_default"], _load(exported)["pixels"]]
    for batch in BATCHES:
        for call in models:
            call(batch)
        ratios = []
        for _ in range(rounds):
            plain_seconds, exported_seconds = (_cpu_seconds(call, batch) for call in models)
            ratios.append(exported_seconds / plain_seconds)
        ratio = statistics.median(ratios)
        shown = ", ".join(f"{value:.2f}" for value in ratios)
        print(
            f"CPU time a photo, batch {batch}: {ratio:.2f}, {1 / ratio:.2f} times as fast (rounds: {shown})", flush=True
        )


def _cpu_seconds(call: Callable[[int], None], batch: int) -> float:
    start = time.process_time()
    for _ in range(PHOTOS_A_TURN // batch):
        call(batch)
    return time.process_time() - start


def _compare_load(plain: Path, exported: Path, rounds: int) -> None:
    costs = [[_load_in_new_process(path) for path in (plain, exported)] for _ in range(rounds)]
    for index, what in enumerate(("CPU time to load and answer", "resident memory after it")):
        ratios = [cost_exported[index] / cost_plain[index] for cost_plain, cost_exported in costs]
        print(f"{what}: {statistics.median(ratios):.2f} (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def _load_in_new_process(path: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.graph", "--load", str(path)]
    seconds, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(megabytes)


def _load_cost(path: Path) -> tuple[float, float]:
    """Return the CPU seconds and the megabytes that a model takes above those of a process with TensorFlow in it."""
    megabytes, start = resident_megabytes(os.getpid()), time.process_time()
    for call in _load(path).values():
        call(1)
    return time.process_time() - start, resident_megabytes(os.getpid()) - megabytes


def _load(path: Path) -> dict[str, Callable[[int], None]]:
    """Load a SavedModel into a session as TensorFlow Serving does; return its signatures as functions of batch size."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    signatures = SavedModelLoader(str(path)).load(session, [tf.saved_model.SERVING]).signature_def
    return {name: _caller(session, signatures[name]) for name in SIGNATURES if name in signatures}


def _caller(session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef) -> Callable[[int], None]:
    (info,) = signature.inputs.values()
    run = session.make_callable([output.name for output in signature.outputs.values()], [info.name])
    dtype = tf.as_dtype(info.dtype)
    if dtype == tf.string:
        photo = tf.io.encode_jpeg(tf.zeros([500, 375, 3], tf.uint8)).numpy()
        return lambda batch: run(np.array([photo] * batch, object))
    shape = [dimension.size for dimension in info.tensor_shape.dim[1:]]
    return lambda batch: run(np.zeros([batch, *shape], dtype.as_numpy_dtype))


if __name__ == "__main__":
    main()
