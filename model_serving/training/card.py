"""The model card of a trained head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from model_serving.backbones import Backbone
from model_serving.data.additions import Additions
from model_serving.data.dataset import SPLITS, Dataset, fingerprint
from model_serving.metrics import Metrics
from model_serving.savedmodel.card import ModelCard
from model_serving.subject import Subject
from model_serving.training.features import Features
from model_serving.training.fit import FittedHead
from model_serving.training.head import kept_epoch, l2_for
from model_serving.training.head_options import HeadOptions


def trained_card(
    dataset: Dataset,
    additions: Additions,
    backbone: Backbone,
    features: Mapping[str, Features],
    fitted: FittedHead,
    options: HeadOptions,
    metrics: Mapping[str, Metrics],
    seconds: float,
    subject: Subject,
) -> ModelCard:
    """Return the card of a head that was `fitted` to the `features` of a data set in so many seconds.

    `metrics` are those of the splits `valid` and `test`, as far as there are photos in them.
    """
    photos = features["train"].photos
    labels, counts = np.unique([photo.breed for photo in photos], return_counts=True)
    calibration = fitted.calibration
    source = "cross-validation" if fitted.cross_validated else "valid"
    return ModelCard(
        head="trained",
        backbone=backbone.name,
        input_size=backbone.geometry.size,
        crop=backbone.geometry.crop,
        breeds=dataset.breeds,
        detects_dogs=calibration.detects_dogs and subject.is_dogs,
        subject=subject,
        groups=dataset.groups,
        temperature=calibration.temperature,
        thresholds=calibration.thresholds,
        familiarity=fitted.familiarity,
        calibration=calibration.for_card(source) if calibration.photos else None,
        training={
            "photos": len(photos),
            "breeds": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
            "also": asdict(additions),
            "skipped": sum(len(split.skipped) for split in features.values()),
            "seconds": round(seconds),
            "options": asdict(options),
            "history": fitted.history,
            "kept_epoch": kept_epoch(fitted.history),
            "started_from": fitted.started_from,
            "l2": round(l2_for(len(photos)), 4),
            "valid": asdict(metrics["valid"]) if "valid" in metrics else None,
        },
        test=asdict(metrics["test"]) if "test" in metrics else None,
        data_fingerprint=fingerprint(photo for split in SPLITS for photo in dataset.splits[split]),
    )
