"""Review of a data set by the heads that were fitted to it: what `report.data_review` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model_serving.report.data_review import (
    BreedGain,
    DataReview,
    LabelIssue,
    NearDuplicate,
    SamplePoint,
    find_label_issues,
)
from model_serving.training.calibration import FEWEST_PHOTOS, softmax
from model_serving.training.features import Features
from model_serving.training.fit import FittedHead
from model_serving.training.head import Labelled, fit_head, kept_epoch
from model_serving.training.head_options import HeadOptions

# Shares of the training photos, beside all of them, that the curve of accuracy is measured at.
SHARES = (0.25, 0.5)
# Two photos are nearly the same if the cosine of their features is as large. With the starter's backbone, of 60 photos
# saved at half the size, at low quality, mirrored or cropped by 6 %, nine in ten reach it with the original; of 700
# photos of 25 breeds four did with another, and they were taken one after the other.
NEARLY_SAME = 0.93
# Rows compared at once with all others: 8,000 photos take 8 MB of cosines.
_ROWS = 256


def review_data(
    features: Mapping[str, Features],
    labelled: Mapping[str, Labelled],
    breeds: Sequence[str],
    fitted: FittedHead,
    options: HeadOptions,
) -> DataReview:
    """Return the review of the photos with `features` by split, which are `labelled` with indices of `breeds`."""
    curve, gains = _more_photos(labelled, breeds, fitted, options)
    return DataReview(
        _label_issues(features, labelled, breeds, fitted),
        find_near_duplicates(features["train"], labelled["train"][1]),
        curve,
        gains,
    )


def _label_issues(
    features: Mapping[str, Features], labelled: Mapping[str, Labelled], breeds: Sequence[str], fitted: FittedHead
) -> list[LabelIssue]:
    """Return the issues among photos of all splits, each by a head that has not seen it."""
    logits = {split: fitted.before_refit.logits(labelled[split][0]) for split in ("valid", "test")}
    if fitted.held_out_logits is not None:
        logits["train"] = fitted.held_out_logits
    labels = np.concatenate([labelled[split][1] for split in logits])
    photos = [photo.path for split in logits for photo in features[split].photos]
    if len(photos) < FEWEST_PHOTOS:
        return []
    return find_label_issues(fitted.probabilities(np.concatenate(list(logits.values()))), labels, photos, breeds)


def _more_photos(
    labelled: Mapping[str, Labelled], breeds: Sequence[str], fitted: FittedHead, options: HeadOptions
) -> tuple[list[SamplePoint], list[BreedGain]]:
    """Return accuracy after a share of the training photos, and the breeds by what the second half brought them.

    Judged on the validation and test photos together; nothing if these are too few.
    """
    values, labels = (np.concatenate(both) for both in zip(labelled["valid"], labelled["test"], strict=True))
    if len(labels) < FEWEST_PHOTOS:
        return [], []
    train, epochs = labelled["train"], kept_epoch(fitted.history)
    nothing = train[0][:0], train[1][:0]
    curve, confidences = [], []
    for share in (*SHARES, 1.0):
        some = _share_of_each(train[1], share, options.seed)
        head = fitted.before_refit
        if share < 1:
            few = train[0][some], train[1][some]
            head, _ = fit_head(few, nothing, len(breeds), options, fitted.start, epochs)
        probabilities = softmax(head.logits(values))
        curve.append(SamplePoint(len(some) / len(breeds), float((probabilities.argmax(axis=1) == labels).mean())))
        confidences.append(probabilities[np.arange(len(labels)), labels])
    gains = [
        BreedGain(breeds[index], *(float(one[labels == index].mean()) for one in confidences[-2:]))
        for index in np.unique(labels).tolist()
    ]
    return curve, sorted(gains, key=lambda gain: gain.with_half - gain.with_all)


def _share_of_each(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return the places of a share of the photos of each class, and of one at least, drawn at random."""
    drawn = np.random.default_rng(seed).permutation(len(labels))
    of_class = [drawn[labels[drawn] == index] for index in np.unique(labels)]
    return np.sort(np.concatenate([places[: max(1, round(share * len(places)))] for places in of_class]))


def find_near_duplicates(photos: Features, labels: np.ndarray) -> list[NearDuplicate]:
    """Return each photo that is nearly the same as an earlier one of its class, with the earliest such photo."""
    unit = photos.values / np.maximum(np.linalg.norm(photos.values, axis=1, keepdims=True), 1e-12)
    found = []
    for index in np.unique(labels):
        places = np.flatnonzero(labels == index)
        for start in range(0, len(places), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(places)))
            alike = unit[places[rows]] @ unit[places[: rows[-1] + 1]].T >= NEARLY_SAME
            earliest = alike.argmax(axis=1)
            for row in np.flatnonzero(earliest < rows):
                first, second = photos.photos[places[earliest[row]]], photos.photos[places[rows[row]]]
                found.append(NearDuplicate(first.path, second.path, second.breed))
    return found
