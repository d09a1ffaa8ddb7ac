"""The whole way from class folders to a served version."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from model_serving.backbones import load_backbone
from model_serving.data.additions import add_photos
from model_serving.data.dataset import SPLITS, fingerprint, read_dataset
from model_serving.errors import DatasetError
from model_serving.report.findings import find
from model_serving.report.page import write_report
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.training.calibration import FEWEST_PHOTOS, calibrate, softmax
from model_serving.training.features import FeatureCache, Pooling, extract_features, pool_here
from model_serving.training.figures import measure
from model_serving.training.head import HeadOptions, fit_head, held_out_logits, imagenet_start, kept_epoch, l2_for


def train(
    data: Path,
    model: Path,
    backbone_name: str,
    weights: str | None,
    cache: Path,
    options: HeadOptions,
    also: Sequence[Path] = (),
    pooling: Pooling = pool_here,
) -> tuple[Path, ModelCard]:
    """Train a head on the class folders in `data` and put it on the shelf of `model` as its next version.

    The photos in the class folders of each of `also` join the training photos; `pooling` computes the features.

    Returns the version's folder, which holds its report, and its card. Prints what it does and how good the result is.
    Raises the errors of `model_serving.errors`.
    """
    started = time.monotonic()
    dataset, additions = add_photos(read_dataset(data), also)
    if also:
        print(additions)
    print(
        ", ".join(f"{len(dataset.splits[split])} {split}" for split in SPLITS),
        f"photos of {len(dataset.breeds)} breeds",
    )

    backbone = load_backbone(backbone_name, weights)
    feature_cache = FeatureCache(cache, backbone.fingerprint)
    try:
        features = {
            name: extract_features(backbone, dataset.splits[name], feature_cache, name, pooling) for name in SPLITS
        }
    finally:
        feature_cache.close()
    for path, reason in (skip for split in features.values() for skip in split.skipped):
        print(f"skipped {path}: {reason}")

    if not features["train"].photos:
        raise DatasetError(f"None of the training photos in {str(data)!r} can be read.")
    if unseen := sorted(set(dataset.breeds) - {photo.breed for photo in features["train"].photos}):
        raise DatasetError(
            f"None of the training photos of {', '.join(unseen)} can be read. Put others there, or take them away."
        )
    index = {breed: number for number, breed in enumerate(dataset.breeds)}
    labelled = {
        name: (split.values, np.array([index[photo.breed] for photo in split.photos], int))
        for name, split in features.items()
    }
    start = None
    if backbone.imagenet and options.start == "imagenet":
        start = imagenet_start(backbone.imagenet, dataset.breeds)
    head, history = fit_head(labelled["train"], labelled["valid"], len(dataset.breeds), options, start)
    print(f"head fitted in {len(history['loss'])} epochs")
    # Too few validation photos would decide by chance: then the training photos do, each judged by a head without it.
    cross_validated = len(labelled["valid"][1]) < FEWEST_PHOTOS <= len(labelled["train"][1])
    if cross_validated:
        logits, labels = held_out_logits(labelled["train"], len(dataset.breeds), options, start)
    else:
        logits, labels = labelled["valid"][0] @ head.kernel + head.bias, labelled["valid"][1]
    calibration = calibrate(logits, labels, backbone.imagenet, labelled["train"][0])
    if calibration.error_before is not None:
        print(
            f"temperature {calibration.temperature:.2f}, by {calibration.photos} "
            f"{'cross-validated training' if cross_validated else 'validation'} photos: calibration error "
            f"{calibration.error_before:.3f} before, {calibration.error_after:.3f} after; "
            f"sure from {calibration.thresholds.sure:.0%} on"
        )
    if backbone.imagenet is not None and not calibration.detects_dogs:
        print("these photos do not look like dogs: the model will not say what is a dog and what is not")

    figures, findings = {}, None
    for name in ("valid", "test"):
        values, labels = labelled[name]
        if len(labels):
            probabilities = softmax((values @ head.kernel + head.bias) / calibration.temperature)
            figures[name] = measure(probabilities, labels)
            print(f"{name}: {figures[name]}")
            if name == "test":
                findings = find(probabilities, labels, [photo.path for photo in features[name].photos], dataset.breeds)
    card = ModelCard(
        head="trained",
        backbone=backbone.name,
        input_size=backbone.geometry.size,
        crop=backbone.geometry.crop,
        breeds=dataset.breeds,
        detects_dogs=calibration.detects_dogs,
        temperature=calibration.temperature,
        thresholds=calibration.thresholds,
        training={
            "photos": len(features["train"].photos),
            "breeds": {breed: int((labelled["train"][1] == number).sum()) for breed, number in index.items()},
            "also": asdict(additions),
            "skipped": sum(len(split.skipped) for split in features.values()),
            "seconds": round(time.monotonic() - started),
            "options": asdict(options),
            "history": history,
            "kept_epoch": kept_epoch(history),
            "started_from": "imagenet" if start else "zeros",
            "l2": round(l2_for(len(features["train"].photos)), 4),
            "calibration": {
                "photos": calibration.photos,
                "from": "cross-validation" if cross_validated else "valid",
                "error_before": calibration.error_before,
                "error_after": calibration.error_after,
            },
            "valid": asdict(figures["valid"]) if "valid" in figures else None,
        },
        test=asdict(figures["test"]) if "test" in figures else None,
        data_fingerprint=fingerprint(photo for split in SPLITS for photo in dataset.splits[split]),
    )
    version = export_model(
        model, backbone, head, card, shelved=True, add=lambda folder: write_report(folder, card, findings, data)
    )
    return version, card
