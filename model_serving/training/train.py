"""The whole way from class folders to a served version."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from model_serving.backbones import Backbone, Classifier, load_backbone
from model_serving.data.additions import add_photos
from model_serving.data.dataset import SPLITS, Dataset, fingerprint, read_dataset
from model_serving.errors import DatasetError
from model_serving.report.findings import find
from model_serving.report.page import write_report
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.training.calibration import FEWEST_PHOTOS, Calibration, calibrate, softmax
from model_serving.training.features import FeatureCache, Features, Pooling, extract_features, pool_here
from model_serving.training.figures import measure
from model_serving.training.head import fit_head, held_out_logits, imagenet_start, kept_epoch, l2_for
from model_serving.training.options import HeadOptions

# Features float32 [N, features] of photos, and the indices of their breeds, int [N].
Labelled = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Fit:
    """A head with its history by epoch, what it began at, and how its answers were calibrated."""

    head: Classifier
    history: dict[str, list[float]]
    started_from: Literal["imagenet", "zeros"]
    calibration: Calibration
    cross_validated: bool

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities [N, breeds] of features [N, features]."""
        return softmax((values @ self.head.kernel + self.head.bias) / self.calibration.temperature)


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
    features = _extract(dataset, backbone, cache, pooling)
    index = {breed: number for number, breed in enumerate(dataset.breeds)}
    labelled = {
        name: (split.values, np.array([index[photo.breed] for photo in split.photos], int))
        for name, split in features.items()
    }
    fit = _fit(labelled, dataset.breeds, backbone, options)
    probabilities = {name: fit.probabilities(values) for name, (values, labels) in labelled.items() if len(labels)}
    figures = {name: measure(probabilities[name], labelled[name][1]) for name in SPLITS[1:] if name in probabilities}
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    findings = None
    if "test" in figures:
        tested = [photo.path for photo in features["test"].photos]
        findings = find(probabilities["test"], labelled["test"][1], tested, dataset.breeds)
    card = ModelCard(
        head="trained",
        backbone=backbone.name,
        input_size=backbone.geometry.size,
        crop=backbone.geometry.crop,
        breeds=dataset.breeds,
        detects_dogs=fit.calibration.detects_dogs,
        temperature=fit.calibration.temperature,
        thresholds=fit.calibration.thresholds,
        training={
            "photos": len(features["train"].photos),
            "breeds": {breed: int((labelled["train"][1] == number).sum()) for breed, number in index.items()},
            "also": asdict(additions),
            "skipped": sum(len(split.skipped) for split in features.values()),
            "seconds": round(time.monotonic() - started),
            "options": asdict(options),
            "history": fit.history,
            "kept_epoch": kept_epoch(fit.history),
            "started_from": fit.started_from,
            "l2": round(l2_for(len(features["train"].photos)), 4),
            "calibration": {
                "photos": fit.calibration.photos,
                "from": "cross-validation" if fit.cross_validated else "valid",
                "error_before": fit.calibration.error_before,
                "error_after": fit.calibration.error_after,
            },
            "valid": asdict(figures["valid"]) if "valid" in figures else None,
        },
        test=asdict(figures["test"]) if "test" in figures else None,
        data_fingerprint=fingerprint(photo for split in SPLITS for photo in dataset.splits[split]),
    )
    version = export_model(
        model, backbone, fit.head, card, shelved=True, add=lambda folder: write_report(folder, card, findings, data)
    )
    return version, card


def _extract(dataset: Dataset, backbone: Backbone, cache: Path, pooling: Pooling) -> dict[str, Features]:
    """Return the features of each split; raises `DatasetError` if a breed has no training photo that can be read."""
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
        raise DatasetError("None of the training photos can be read.")
    if unseen := sorted(set(dataset.breeds) - {photo.breed for photo in features["train"].photos}):
        raise DatasetError(
            f"None of the training photos of {', '.join(unseen)} can be read. Put others there, or take them away."
        )
    return features


def _fit(labelled: Mapping[str, Labelled], breeds: Sequence[str], backbone: Backbone, options: HeadOptions) -> Fit:
    train, valid = labelled["train"], labelled["valid"]
    start = None
    if backbone.imagenet and options.start == "imagenet":
        start = imagenet_start(backbone.imagenet, breeds)
    head, history = fit_head(train, valid, len(breeds), options, start)
    print(f"head fitted in {len(history['loss'])} epochs")
    # Too few validation photos would decide by chance: then the training photos do, each judged by a head without it.
    cross_validated = len(valid[1]) < FEWEST_PHOTOS <= len(train[1])
    if cross_validated:
        logits, labels = held_out_logits(train, len(breeds), options, start)
    else:
        logits, labels = valid[0] @ head.kernel + head.bias, valid[1]
    calibration = calibrate(logits, labels, backbone.imagenet, train[0])
    if calibration.error_before is not None:
        print(
            f"temperature {calibration.temperature:.2f}, by {calibration.photos} "
            f"{'cross-validated training' if cross_validated else 'validation'} photos: calibration error "
            f"{calibration.error_before:.3f} before, {calibration.error_after:.3f} after; "
            f"sure from {calibration.thresholds.sure:.0%} on"
        )
    if backbone.imagenet is not None and not calibration.detects_dogs:
        print("these photos do not look like dogs: the model will not say what is a dog and what is not")
    return Fit(head, history, "imagenet" if start else "zeros", calibration, cross_validated)
