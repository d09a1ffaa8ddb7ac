"""Ranges of a backbone at training, and a head's answers on it in int8 beside those in fp32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from model_serving.backbones import Backbone
from model_serving.backbones.int8 import (
    MEASURED_PHOTOS,
    Int8Record,
    in_int8,
    int8_record,
    is_int8_wanted,
    measured_record,
)
from model_serving.progress import progress
from model_serving.savedmodel.comparison import NEAR, Comparison, compare
from model_serving.savedmodel.int8_gate import gated, obstacle, refused
from model_serving.training.features import Features, Pooling, pool_here
from model_serving.training.fit import FittedHead
from model_serving.training.head import Labelled


def int8_ranges(backbone: Backbone, photos: Sequence[Path]) -> Int8Record | None:
    """Return a backbone's ranges on record, or else those of some training photos; None if none of these can be read.

    Prints on how many photos it measures.
    """
    if record := int8_record(backbone):
        return record
    print(f"int8: measuring ranges on {min(MEASURED_PHOTOS, len(photos))} training photos")
    return measured_record(backbone, photos, "training photos")


def extracting(backbone: Backbone, wanted: bool | None, pooling: Pooling = pool_here) -> Backbone:
    """Return the backbone that computes the features: in int8, if that is `wanted`, or None and usual, and can be.

    It takes ranges on record, since only there heads were measured to be as good on features in int8, and kernels. A
    cluster's machines may lack them, so that `pooling` elsewhere is in fp32.
    """
    is_possible = pooling is pool_here and not obstacle()
    record = int8_record(backbone) if is_int8_wanted(backbone.name, wanted) and is_possible else None
    return in_int8(backbone, record) if record else backbone


def int8_accuracy(
    backbone: Backbone,
    record: Int8Record | None,
    photos: Sequence[Path],
    features: np.ndarray,
    labels: np.ndarray,
    probabilities: Callable[[np.ndarray], np.ndarray],
    *,
    are_int8: bool = False,
) -> Comparison | None:
    """Return how the answers to photos in int8 compare with those in fp32; None if they cannot be had here.

    `features` are those in fp32, or in int8 if `are_int8`, [N, features]; the others are computed. `labels` are the
    right breeds' indices, [N], and `probabilities` is the head, from features to [N, breeds]. A photo that can no
    longer be read is left out.
    """
    if record is None or not photos:
        return None
    other = backbone if are_int8 else in_int8(backbone, record)
    found: dict[Path, np.ndarray | Exception] = {}
    with progress(len(photos), "float32" if are_int8 else "int8", "photo") as bar:
        try:
            for batch in pool_here(other, photos):
                found |= dict(batch)
                bar.update(len(batch))
        except tf.errors.OpError:  # a machine without the kernels
            return None
    read = np.array([isinstance(found[path], np.ndarray) for path in photos])
    others = np.stack([value for path in photos if isinstance(value := found[path], np.ndarray)])
    float32, int8 = (others, features[read]) if are_int8 else (features[read], others)
    return compare(probabilities(float32), probabilities(int8), labels[read])


def judged_in_int8(
    backbone: Backbone, fitted: FittedHead, train: Features, valid: Features, labelled: Labelled, *, are_int8: bool
) -> tuple[Int8Record | None, dict[str, Any]]:
    """Return a backbone's ranges, if there are any, and what the card of a trained head says of it in int8.

    The ranges come from the photos of `train`, and those of `valid`, whose features and labels are `labelled`, judge.
    The features are in int8 if `are_int8`.
    """
    features, labels = labelled
    paths = [photo.path for photo in valid.photos]
    if reason := obstacle(photos=len(paths)):
        return None, refused(reason)
    record = int8_ranges(backbone, [photo.path for photo in train.photos])
    accuracy = int8_accuracy(
        backbone,
        record,
        paths,
        features,
        labels,
        lambda values: fitted.probabilities(fitted.before_refit.logits(values)),
        are_int8=are_int8,
    )
    return record, gated(backbone, record, accuracy, NEAR)
