"""The whole way from class folders to a served version."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from model_serving.backbones import load_backbone
from model_serving.data.dataset import SPLITS, fingerprint, read_dataset
from model_serving.errors import DatasetError
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.training.features import FeatureCache, Features, extract_features
from model_serving.training.figures import accuracy
from model_serving.training.head import HeadOptions, fit_head


def train(data: Path, model: Path, backbone_name: str, weights: str | None, cache: Path, options: HeadOptions) -> Path:
    """Train a head on the class folders in `data` and export it as the next version of `model`; return its folder.

    Prints what it does and how good the result is. Raises the errors of `model_serving.errors`.
    """
    started = time.monotonic()
    dataset = read_dataset(data)
    print(
        ", ".join(f"{len(dataset.splits[split])} {split}" for split in SPLITS),
        f"photos of {len(dataset.breeds)} breeds",
    )

    backbone = load_backbone(backbone_name, weights)
    feature_cache = FeatureCache(cache, backbone.fingerprint)
    try:
        features = {name: extract_features(backbone, dataset.splits[name], feature_cache, name) for name in SPLITS}
    finally:
        feature_cache.close()
    for path, reason in (skip for split in features.values() for skip in split.skipped):
        print(f"skipped {path}: {reason}")

    def labelled(split: Features) -> tuple[np.ndarray, np.ndarray]:
        return split.values, np.array([dataset.breeds.index(breed) for breed in split.breeds], int)

    if not features["train"].breeds:
        raise DatasetError(f"None of the training photos in {str(data)!r} can be read.")
    head, history = fit_head(labelled(features["train"]), labelled(features["valid"]), len(dataset.breeds), options)
    print(f"head fitted in {len(history['loss'])} epochs")

    figures = {}
    for split in ("valid", "test"):
        if features[split].breeds:
            values, labels = labelled(features[split])
            figures[split] = accuracy(values @ head.kernel + head.bias, labels)
            print(f"{split}: {figures[split]}")
    card = ModelCard(
        head="trained",
        backbone=backbone.name,
        input_size=backbone.geometry.size,
        crop=backbone.geometry.crop,
        breeds=dataset.breeds,
        detects_dogs=backbone.imagenet is not None,
        training={
            "photos": len(features["train"].breeds),
            "skipped": sum(len(split.skipped) for split in features.values()),
            "seconds": round(time.monotonic() - started),
            "options": asdict(options),
            "history": history,
            "valid": asdict(figures["valid"]) if "valid" in figures else None,
        },
        test=asdict(figures["test"]) if "test" in figures else None,
        data_fingerprint=fingerprint(photo for split in SPLITS for photo in dataset.splits[split]),
    )
    return export_model(model, backbone, head, card)
