"""Answers of a version's file for browsers and phones beside those of its graph in fp32, on labelled photos.

    .venv/bin/python -m benchmarks.on_device PHOTOS [--version models/dog_breed/1]

PHOTOS are labelled as for `dog-breed evaluate`; those whose breed the head knows count. Without a version it is the
starter, exported anew. The rates are CPU time of one thread, in turns on the same photos.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from local_server.tensorflow_import import import_tensorflow_quietly

# Other outputs that are compared, where both have them.
SHARES = ("dog_probability", "familiarity")


def main() -> None:
    """Ask both ways about all photos, and print how the answers compare and what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--version", type=Path, help="folder of a version (the starter)")
    options = parser.parse_args()
    os.environ["DOG_BREED_INT8"] = "off"
    import_tensorflow_quietly()

    from model_serving.backbones import load_backbone
    from model_serving.savedmodel.export import export_imagenet_head

    with tempfile.TemporaryDirectory() as folder:
        compare_answers(
            options.version or export_imagenet_head(Path(folder), load_backbone("efficientnet_lite2")), options.photos
        )


def compare_answers(version: Path, photos: Path) -> None:
    """Print how the file's answers of the version in a folder compare with those of its graph."""
    from model_serving.data.dataset import read_test_photos
    from model_serving.savedmodel.card import ON_DEVICE_FILE
    from model_serving.savedmodel.comparison import compare
    from model_serving.savedmodel.exported_model import ExportedModel
    from model_serving.savedmodel.on_device import PROBABILITIES, OnDeviceModel
    from model_serving.savedmodel.signatures import EXPLAIN
    from model_serving.training.evaluate import answer_labelled

    on_device = OnDeviceModel((version / ON_DEVICE_FILE).read_bytes(), threads=1)
    seconds = {"graph": 0.0, "file": 0.0}

    def timed(name: str, ask: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        start = time.process_time()
        answer = ask()
        seconds[name] += time.process_time() - start
        return answer

    with ExportedModel(version, threads=1) as model:

        def ask(pixels: np.ndarray) -> list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
            return [
                (
                    timed("graph", lambda one=one: model.ask(one[np.newaxis], EXPLAIN)),  # type: ignore[misc]
                    timed("file", lambda one=one: on_device.ask(one)),  # type: ignore[misc]
                )
                for one in pixels
            ]

        answers = answer_labelled(model.card, read_test_photos(photos), ask, "on device")
    names = {name for _, one in answers.values for name in one}
    served, other = (
        {name: np.concatenate([pair[way][name] for pair in answers.values]) for name in names} for way in (0, 1)
    )
    print(compare(served[PROBABILITIES], other[PROBABILITIES], answers.labels))
    for name in sorted(names.intersection(SHARES)):
        print(f"{name}: differs by {np.abs(served[name] - other[name]).mean():.4f} on average")
    hottest = [heat["heatmap"].reshape(len(answers.labels), -1).argmax(1) for heat in (served, other)]
    print(f"heat map: hottest at the same place on {(hottest[0] == hottest[1]).mean():.1%}")
    for name, spent in seconds.items():
        print(f"{name}: {1000 * spent / len(answers.labels):.1f} ms of CPU a photo")


if __name__ == "__main__":
    main()
