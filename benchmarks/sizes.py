"""Accuracy against the side of the input, for the starter as it is and for heads trained on it.

    .venv/bin/python -m benchmarks.sizes FOLDER [--sizes 260,300,340,380]

FOLDER holds class folders of photos, or `train/` and `valid/` with them. Each figure is cross-validated: a photo is
judged by a head, or at a temperature, that has not seen it. For ImageNet's own classifier only photos of breeds that it
knows count. Features are kept in `build/features.sqlite`, so that a second run reads no photo.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model_serving.data.dataset import LabelledPhoto

SIZES = "260,300,340,380"
FOLDS = 5


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--sizes", default=SIZES, help="sides of the input in pixels (%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("build/features.sqlite"))
    options = parser.parse_args()

    from model_serving.data.dataset import read_dataset

    dataset = read_dataset(options.folder)
    photos = [photo for split in dataset.splits.values() for photo in split]
    print(f"{len(photos)} photos of {len(dataset.breeds)} classes")
    for size in map(int, options.sizes.split(",")):
        _print_size(options.backbone, size, photos, options.cache)


def _print_size(backbone_name: str, size: int, photos: Sequence[LabelledPhoto], cache: Path) -> None:
    from model_serving.backbones import load_backbone
    from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
    from model_serving.metrics import measure
    from model_serving.training.calibration import fit_temperature, softmax
    from model_serving.training.features import FeatureCache, extract_features
    from model_serving.training.head import held_out_logits, imagenet_start
    from model_serving.training.head_options import HeadOptions

    backbone = load_backbone(backbone_name, size=size)
    feature_cache = FeatureCache(cache, backbone.fingerprint)
    features = extract_features(backbone, photos, feature_cache, str(size))
    feature_cache.close()
    names = np.array([photo.breed for photo in features.photos])
    breeds = sorted(set(names))
    labels = np.searchsorted(breeds, names)
    start = imagenet_start(backbone.imagenet, breeds) if backbone.imagenet else None
    logits, labels = held_out_logits((features.values, labels), len(breeds), HeadOptions(), start)
    print(f"{size} pixels, trained head: {measure(softmax(logits), labels)}", flush=True)
    known = np.isin(names, IMAGENET_BREEDS)
    if backbone.imagenet and known.any():
        logits = backbone.imagenet.logits(features.values[known])[:, IMAGENET_DOGS]
        labels = np.array([IMAGENET_BREEDS.index(name) for name in names[known]])
        probabilities = np.empty_like(logits)
        fold = np.random.default_rng(0).permutation(len(labels)) % FOLDS
        for out in range(FOLDS):
            temperature = fit_temperature(logits[fold != out], labels[fold != out])
            probabilities[fold == out] = softmax(logits[fold == out] / temperature)
        metrics = measure(probabilities, labels)
        print(f"{size} pixels, ImageNet's own: temperature {temperature:.2f}, {metrics}", flush=True)


if __name__ == "__main__":
    main()
