"""The exported graph in fp32 without oneDNN, in fp32 with it, and in int8: time a photo, and resident memory.

    .venv/bin/python -m benchmarks.arithmetic [--backbone densenet201 --photos FOLDER] [--threads 1] [--rounds 7]
        [--isa AVX2] [--trace]

Ratios are to fp32 without oneDNN, so that more photos a CPU second are more than 1. Each is a process of its own, and
they take turns; the median over the rounds counts. `--isa AVX2` has oneDNN use no more than that of this CPU, as on one
that has no more. The starter has its real weights. DenseNet201 has random ones, and its ranges come from photos of
FOLDER: its figures are of speed alone. `--trace` prints where the time of one photo goes, by the kind of op that
TensorFlow runs, on one thread: shares of each one's own time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.processes import ask, resident_megabytes
from local_server.tensorflow_import import ONEDNN, import_tensorflow_quietly
from model_serving.savedmodel.card import INT8
from model_serving.savedmodel.tags import FLOAT32_TAGS, INT8_TAGS, SETTING

BATCHES = (1, 4, 8)
PHOTOS_A_TURN = 8
# Kinds of op with less of the time are not printed.
LEAST_SHARE = 0.01
# Asks a process for a trace, where a number asks for a turn of batches.
TRACE = "trace"
# What is measured, by the environment that makes it so; the first is what the others are compared with.
FLOAT32 = "fp32"
ROWS = {
    FLOAT32: {ONEDNN: "0", SETTING: "off"},
    "fp32, oneDNN": {ONEDNN: "1", SETTING: "off"},
    "int8": {ONEDNN: "1", SETTING: "on"},
}


def main() -> None:
    """Export a version, measure it in three processes, and print the ratios; or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--photos", type=Path, help="folder of photos that DenseNet201's ranges are measured on")
    parser.add_argument("--threads", type=int, default=1, help="threads of a session (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (%(default)s)")
    parser.add_argument("--isa", help="the most of the CPU that oneDNN may use, such as AVX2 (all)")
    parser.add_argument("--version", type=Path, help="folder of a version with both graphs, instead of an export")
    parser.add_argument("--trace", action="store_true", help="print where the time of one photo goes, too")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        _answer(options.answer, options.threads)
        return
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        version = options.version or _export(options.backbone, options.photos, Path(folder))
        limit = {"ONEDNN_MAX_CPU_ISA": options.isa} if options.isa else {}
        started = {name: _start(version, options.threads, row | limit) for name, row in ROWS.items()}
        for process in started.values():
            stack.callback(process.kill)
        for batch in BATCHES:
            _compare(started, batch, options.rounds)
        if options.trace:
            _print_traces({name: json.loads(ask(process, TRACE)) for name, process in started.items()})
        for name, process in started.items():
            _seconds(process, 1)
            print(f"{name}: {resident_megabytes(process.pid):.0f} MB resident, with TensorFlow")


def _export(backbone_name: str, photos: Path | None, folder: Path) -> Path:
    import_tensorflow_quietly()
    from model_serving.backbones import RANDOM, Classifier, load_backbone
    from model_serving.backbones.int8 import measured_record
    from model_serving.data.files import photos_below
    from model_serving.savedmodel.card import ModelCard
    from model_serving.savedmodel.export import export_imagenet_head, export_model

    if backbone_name == "efficientnet_lite2":
        return export_imagenet_head(folder, load_backbone(backbone_name), in_int8=True)
    if photos is None:
        raise SystemExit("Give a folder of photos with --photos: the ranges of this backbone are not on record.")
    backbone = load_backbone(backbone_name, RANDOM)
    record = measured_record(backbone, photos_below(photos), photos.name)
    features = backbone.network.output_shape[-1]
    head = Classifier(np.zeros((features, 2), np.float32), np.zeros(2, np.float32))
    size, crop = backbone.geometry.size, backbone.geometry.crop
    card = ModelCard("trained", backbone_name, size, crop, ("a", "b"), False, int8={"kept": True})
    return export_model(folder, backbone, head, card, int8=record)


def _start(version: Path, threads: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.arithmetic", "--answer", str(version), "--threads", str(threads)]
    variables = os.environ | environment
    return subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _compare(started: dict[str, subprocess.Popen[str]], batch: int, rounds: int) -> None:
    for process in started.values():
        _seconds(process, batch)
    turns = [{name: _seconds(process, batch) for name, process in started.items()} for _ in range(rounds)]
    for name in list(started)[1:]:
        for kind, what in enumerate(("CPU", "clock")):
            ratios = [turn[FLOAT32][kind] / turn[name][kind] for turn in turns]
            shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"{name}, batch {batch}, by the {what}: {statistics.median(ratios):.2f} ({shown})", flush=True)


def _seconds(process: subprocess.Popen[str], batch: int) -> tuple[float, float]:
    """Return the seconds of CPU and of the clock that a process takes for a turn of batches."""
    cpu, clock = map(float, ask(process, str(batch)).split())
    return cpu, clock


def _print_traces(traces: dict[str, dict[str, float]]) -> None:
    for name, seconds in traces.items():
        print(f"{name}, one photo:")
        whole = sum(seconds.values())
        for kind, taken in sorted(seconds.items(), key=lambda item: -item[1]):
            if taken / whole >= LEAST_SHARE:
                print(f"  {kind}: {taken / whole:.2f}")


def _answer(version: Path, threads: int) -> None:
    """Answer turns of the batches that standard input asks for."""
    import_tensorflow_quietly()
    from benchmarks.tracing import op_seconds
    from model_serving.savedmodel.exported_model import ExportedModel

    with ExportedModel(version, threads) as model:
        size = model.card.input_size
        photos = np.random.default_rng(0).integers(0, 256, (PHOTOS_A_TURN, size, size, 3), np.uint8)
        model.ask(photos[:1], "explain")
        for line in sys.stdin:
            if line.strip() == TRACE:
                tags = INT8_TAGS if model.card.arithmetic == INT8 else FLOAT32_TAGS
                print(json.dumps(op_seconds(version, tags, photos[:1])), flush=True)
                continue
            batch = int(line)
            cpu, clock = time.process_time(), time.perf_counter()
            for start in range(0, PHOTOS_A_TURN, batch):
                model.ask(photos[start : start + batch])
            print(time.process_time() - cpu, time.perf_counter() - clock, flush=True)


if __name__ == "__main__":
    main()
