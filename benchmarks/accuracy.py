"""Accuracy of the starter on real photos, beside a PyTorch run of the same weights, and its telling of dogs.

    .venv/bin/python -m benchmarks.accuracy FOLDER

FOLDER is laid out as this project's test photos: `dogs/<Breed>_<number>.jpg`, `udacity133/<line>.jpg` with the names in
`udacity_133_breeds.txt`, `dogs_small/<breed>.jpg`, and photos of other things in `not_dogs/`. For photos of your own
use `dog-breed evaluate`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_serving.backbones import load_backbone
from model_serving.data.batches import decoded_batches
from model_serving.data.dataset import LabelledPhoto
from model_serving.data.files import photos_below
from model_serving.photos.labels import readable
from model_serving.savedmodel.export import export_imagenet_head
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.training.evaluate import evaluate

# Measured once with the same weights in PyTorch, over all 1,000 classes of ImageNet: photos, top-1 and top-5. That run
# took more names for ImageNet's than `readable` does.
REFERENCE = {"Udacity sample photos": (59, 0.881, 1.0), "thumbnails of 80x80 pixels": (119, 0.748, 0.958)}


def main() -> None:
    """Export the starter and print its figures on both sets, and how well it tells dogs from other things."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=260, help="side of the input; the PyTorch run's is %(default)s")
    options = parser.parse_args()
    folder = options.folder
    sets = {
        "Udacity sample photos": _udacity(folder),
        "thumbnails of 80x80 pixels": [
            LabelledPhoto(path, readable(path.stem)) for path in sorted((folder / "dogs_small").glob("*.jpg"))
        ],
    }
    with tempfile.TemporaryDirectory() as model:
        version = export_imagenet_head(Path(model), load_backbone("efficientnet_lite2", size=options.size))
        for name, photos in sets.items():
            evaluation = evaluate(version, photos)
            count, top1, top5 = REFERENCE[name]
            print(f"{name}: {evaluation.metrics} (PyTorch, {count} photos: top-1 {top1:.1%}, top-5 {top5:.1%})")
            print(f"  not ImageNet breeds, so not counted: {', '.join(sorted(evaluation.unknown))}")
        others = dog_probabilities(version, photos_below(folder / "not_dogs"))
        for name, photos in sets.items():
            dogs = dog_probabilities(version, [photo.path for photo in photos])
            print(
                f"{name}: area under the ROC curve of the dog probability {roc_area(dogs, others):.4f}, "
                f"{len(dogs)} dogs (the least {dogs.min():.3f}) against {len(others)} other photos "
                f"(the most {others.max():.3f})"
            )


def dog_probabilities(version: Path, photos: Sequence[Path]) -> np.ndarray:
    """Return how likely an exported version holds each photo to show a dog, [N]."""
    with ExportedModel(version) as model:
        return np.concatenate(
            [
                model.ask(np.stack([pixels for _, pixels in decoded if isinstance(pixels, np.ndarray)]))[
                    "dog_probability"
                ]
                for decoded in decoded_batches(photos, model.card.geometry)
            ]
        )


def roc_area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the share of pairs in which the positive one scores higher, ties by half: the area under the ROC curve."""
    difference = positive[:, np.newaxis] - negative
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def _udacity(folder: Path) -> list[LabelledPhoto]:
    names = (folder / "udacity_133_breeds.txt").read_text().splitlines()
    samples = [
        LabelledPhoto(path, readable(names[int(path.stem)])) for path in sorted((folder / "udacity133").glob("*.jpg"))
    ]
    dogs = [
        LabelledPhoto(path, readable(path.stem.rpartition("_")[0])) for path in sorted((folder / "dogs").glob("*.jpg"))
    ]
    return samples + dogs


if __name__ == "__main__":
    main()
