"""Ranges of a backbone at training, and a head's answers on it in int8 beside those in fp32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from model_serving.backbones import Backbone
from model_serving.backbones.int8 import MEASURED_PHOTOS, Int8Record, int8_networks, int8_record, measured_record
from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.progress import progress
from model_serving.savedmodel.comparison import NEAR, Comparison, compare
from model_serving.savedmodel.int8_gate import gated, obstacle, refused
from model_serving.training.features import Features
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


def int8_accuracy(
    backbone: Backbone,
    record: Int8Record | None,
    photos: Sequence[Path],
    features: np.ndarray,
    labels: np.ndarray,
    probabilities: Callable[[np.ndarray], np.ndarray],
) -> Comparison | None:
    """Return how the answers to photos in int8 compare with those in fp32; None if they cannot be had here.

    `features` are those in fp32, [N, features], `labels` the right breeds' indices, [N], and `probabilities` is the
    head, from features to [N, breeds]. A photo that can no longer be read is left out.
    """
    if record is None or not photos:
        return None
    network = int8_networks(backbone, record).at_size
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(network.graph_def, name="")
        pooled = tf.reduce_mean(graph.get_tensor_by_name(network.features), [1, 2])
    found: list[np.ndarray | Exception] = []
    with tf.compat.v1.Session(graph=graph) as session, progress(len(photos), "int8", "photo") as bar:
        for decoded in decoded_batches(photos, backbone.geometry):
            try:
                answers = map_decoded(decoded, lambda pixels: session.run(pooled, {network.pixels: pixels}))
            except tf.errors.OpError:  # a machine without the kernels
                return None
            found += [value for _, value in answers]
            bar.update(len(decoded))
    read = np.array([isinstance(value, np.ndarray) for value in found])
    int8_features = np.stack([value for value in found if isinstance(value, np.ndarray)])
    return compare(probabilities(features[read]), probabilities(int8_features), labels[read])


def judged_in_int8(
    backbone: Backbone, fitted: FittedHead, train: Features, valid: Features, labelled: Labelled
) -> tuple[Int8Record | None, dict[str, Any]]:
    """Return a backbone's ranges, if there are any, and what the card of a trained head says of it in int8.

    The ranges come from the photos of `train`, and those of `valid`, whose features and labels are `labelled`, judge.
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
    )
    return record, gated(backbone, record, accuracy, NEAR)
