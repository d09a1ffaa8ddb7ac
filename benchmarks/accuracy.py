"""The starter's accuracy on real photos, beside the figures of a PyTorch run of the same weights.

    .venv/bin/python -m benchmarks.accuracy FOLDER

FOLDER is laid out as this project's test photos: `dogs/<Breed>_<number>.jpg`, `udacity133/<line>.jpg` with the names in
`udacity_133_breeds.txt`, and `dogs_small/<breed>.jpg`. For photos of your own use `dog-breed evaluate`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from model_serving.backbones import load_backbone
from model_serving.breeds import readable
from model_serving.data.dataset import LabelledPhoto
from model_serving.savedmodel.export import export_imagenet_head
from model_serving.training.evaluate import evaluate

# Measured once with the same weights in PyTorch, over all 1,000 classes of ImageNet: photos, top-1 and top-5. That run
# took more names for ImageNet's than `readable` does.
REFERENCE = {"Udacity sample photos": (59, 0.881, 1.0), "thumbnails of 80x80 pixels": (119, 0.748, 0.958)}


def main() -> None:
    """Export the starter and print its figures on both sets."""
    folder = Path(sys.argv[1])
    sets = {
        "Udacity sample photos": _udacity(folder),
        "thumbnails of 80x80 pixels": [
            LabelledPhoto(path, readable(path.stem)) for path in sorted((folder / "dogs_small").glob("*.jpg"))
        ],
    }
    with tempfile.TemporaryDirectory() as model:
        version = export_imagenet_head(Path(model), load_backbone("efficientnet_lite2"))
        for name, photos in sets.items():
            evaluation = evaluate(version, photos)
            count, top1, top5 = REFERENCE[name]
            print(f"{name}: {evaluation.figures} (PyTorch, {count} photos: top-1 {top1:.1%}, top-5 {top5:.1%})")
            print(f"  not ImageNet breeds, so not counted: {', '.join(sorted(evaluation.unknown))}")


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
