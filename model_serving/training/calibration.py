"""Calibration: temperature of the probabilities, thresholds of "sure" and "a dog", distribution of familiarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from model_serving.backbones import Classifier
from model_serving.breeds import IMAGENET_DOGS
from model_serving.metrics import calibration_error
from model_serving.savedmodel.card import DOG_THRESHOLD, SURE_THRESHOLD, Familiarity, Thresholds
from model_serving.savedmodel.familiarity import familiarity_score, score_quantiles, shown_classes, shown_share

# With fewer photos the temperature and the threshold of "sure" would follow single photos.
FEWEST_PHOTOS = 50
# Of the answers called sure at least this share is to be right.
SURE_PRECISION = 0.95
# Of the photos of dogs at least this share is to pass as a dog.
DOG_RECALL = 0.998
# Below this every answer is "perhaps", however few classes there are; above the other nothing would ever be sure.
_SURE_RANGE = (0.3, 0.9)
# With the starter, of 41 photos of other things none had 0.06 at an input of 260 pixels, and 7 % had 0.1 at 340.
_DOG_RANGE = (0.1, DOG_THRESHOLD)


@dataclass(frozen=True)
class Calibration:
    """Temperature and thresholds of a head, and the calibration error before and after, if it is known.

    `detects_dogs` is False for a backbone without ImageNet's classifier, and for classes that are no dogs. `photos` is
    how many the temperature and the threshold of "sure" come from; with 0 they are the defaults.
    """

    temperature: float
    thresholds: Thresholds
    detects_dogs: bool
    error_before: float | None
    error_after: float | None
    photos: int

    def for_card(self, source: str) -> dict[str, Any]:
        """Return what a card says of the calibration; `source` names the photos."""
        return {
            "photos": self.photos,
            "from": source,
            "error_before": self.error_before,
            "error_after": self.error_after,
        }


def calibrate(logits: np.ndarray, labels: np.ndarray, dog_probabilities: np.ndarray | None) -> Calibration:
    """Fit the temperature and the threshold of "sure" on `logits` [N, classes] and `labels` [N] of unseen photos.

    The threshold of "a dog" comes from `dog_probabilities` [M] of photos of the classes, which may be others; None is
    for a backbone without ImageNet's classifier. With too few photos the defaults stay.
    """
    temperature, sure, errors = 1.0, SURE_THRESHOLD, None
    if len(labels) >= FEWEST_PHOTOS:
        temperature = fit_temperature(logits, labels)
        probabilities = softmax(logits / temperature)
        sure = choose_sure(probabilities, labels)
        errors = calibration_error(softmax(logits), labels), calibration_error(probabilities, labels)
    dog = None if dog_probabilities is None else choose_dog(dog_probabilities)
    return Calibration(
        temperature,
        Thresholds(dog=DOG_THRESHOLD if dog is None else dog, sure=sure),
        dog is not None,
        error_before=errors[0] if errors else None,
        error_after=errors[1] if errors else None,
        photos=len(labels) if errors else 0,
    )


def imagenet_probabilities(imagenet: Classifier, features: np.ndarray) -> np.ndarray:
    """Return what ImageNet's classifier says of features [N, features]: probabilities [N, 1000]."""
    return softmax(imagenet.logits(features))


def dog_probabilities(imagenet: Classifier, features: np.ndarray) -> np.ndarray:
    """Return what ImageNet's classifier gives to all its dogs together, [N], for features [N, features]."""
    return imagenet_probabilities(imagenet, features)[:, IMAGENET_DOGS].sum(axis=1)


def measure_familiarity(
    logits: np.ndarray, features: np.ndarray, imagenet: Classifier | None, train_features: np.ndarray
) -> Familiarity:
    """Return the distribution over unseen photos with `logits` [N, classes] of a trained head, and their `features`.

    `train_features` [M, features] tell which of ImageNet's classes the photos show. With too few unseen photos there is
    no distribution.
    """
    shown = {} if imagenet is None else shown_classes(imagenet_probabilities(imagenet, train_features))
    if len(logits) < FEWEST_PHOTOS:
        return Familiarity((), shown)
    share = tf.ones(len(logits))
    if imagenet is not None and shown:
        share = shown_share(tf.constant(imagenet_probabilities(imagenet, features), tf.float32), shown)
    return Familiarity(score_quantiles(familiarity_score(logits, 1.0, share, "trained").numpy()), shown)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities [N, classes] of `logits` [N, classes]."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T for which softmax(logits / T) gives the labels [N] the highest likelihood (Guo et al. 2017).

    The likelihood has one maximum in 1 / T, so a search that thirds an interval of log T finds it. The labels are
    smoothed by one photo in N + 2 (Platt 1999): where every answer is right, the plain likelihood grows without end as
    T falls, and later mistakes would be made with certainty.
    """
    doubt = 1 / (len(labels) + 2)

    def loss(log_temperature: float) -> float:
        surprise = -np.log(softmax(logits / np.exp(log_temperature)) + 1e-12)
        return float(((1 - doubt) * surprise[np.arange(len(labels)), labels] + doubt * surprise.mean(axis=1)).mean())

    low, high = np.log(0.05), np.log(20.0)
    while high - low > 1e-4:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def choose_sure(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the lowest confidence from which on 95 % of the answers are right, within 0.3 to 0.9."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    confidence = probabilities.max(axis=1)[order]
    right = (probabilities.argmax(axis=1) == labels)[order]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(precision >= SURE_PRECISION)
    lowest = confidence[enough[-1]] if len(enough) else _SURE_RANGE[1]
    return round(float(np.clip(lowest, *_SURE_RANGE)), 2)


def choose_dog(dog_probabilities: np.ndarray) -> float | None:
    """Return the threshold that 99.8 % of these photos pass, or None if they do not look like dogs at all.

    It stays within what keeps other things out. Classes whose photos mostly fail even the default are no dogs: the
    classifier is one of something else.
    """
    if np.median(dog_probabilities) < DOG_THRESHOLD:
        return None
    return round(float(np.clip(np.quantile(dog_probabilities, 1 - DOG_RECALL), *_DOG_RANGE)), 3)
