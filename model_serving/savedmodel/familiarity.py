"""Familiarity: of 100 photos of a model's own classes, how many look stranger to it than this one, as a share.

A photo's score adds two signs of the model's own classes, and familiarity is the place of the score among those of
photos that the head has not seen:

* The head's evidence. Of a trained head it is the logarithm of the summed exponentials of its logits (Liu et al. 2020).
  ImageNet's head is the cut of one fitted to 882 other classes as well, so that its logits differ by class more than by
  photo: its evidence is the negative entropy of its probabilities.
* Half the logarithm of the share of ImageNet's classifier that lies on the classes that the model's own photos show.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from model_serving.breeds import IMAGENET_DOGS
from model_serving.savedmodel.card import Familiarity

# A card holds a quantile of the scores for each hundredth.
QUANTILES = 101
# One of ImageNet's classes counts in full if photos show it with this probability on average, and less if with less.
_SEEN_PROBABILITY = 0.05
_SMALLEST_WEIGHT = 0.01
_SHARE_EXPONENT = 0.5
_EPSILON = 1e-6
# Quantiles have four decimals, and the inverse of the least width must be a float16, too.
_LEAST_WIDTH = 1e-4
# Stand in for the quantiles where there are none: every score lies above them.
_NO_QUANTILES = np.linspace(-2e9, -1e9, QUANTILES)

# ImageNet's head knows all of ImageNet's dogs alike.
DOG_CLASSES = dict.fromkeys(range(IMAGENET_DOGS.start, IMAGENET_DOGS.stop), 1.0)


def shown_classes(imagenet_probabilities: np.ndarray) -> dict[int, float]:
    """Return the weights of ImageNet's classes that photos with these probabilities [N, 1000] show."""
    weights = np.minimum(imagenet_probabilities.mean(axis=0) / _SEEN_PROBABILITY, 1).round(3)
    return {int(index): float(weights[index]) for index in np.flatnonzero(weights >= _SMALLEST_WEIGHT)}


def score_quantiles(scores: np.ndarray) -> tuple[float, ...]:
    """Return the quantiles of `scores` [N] for a card."""
    return tuple(round(float(score), 4) for score in np.quantile(scores, np.linspace(0, 1, QUANTILES)))


def shown_share(imagenet_probabilities: tf.Tensor, classes: Mapping[int, float]) -> tf.Tensor:
    """Return the share [N] of ImageNet's probabilities [N, 1000] that lies on `classes`, each by its weight."""
    weights = tf.constant(list(classes.values()), tf.float32)
    return tf.linalg.matvec(tf.gather(imagenet_probabilities, list(classes), axis=1), weights)


def familiarity_score(logits: tf.Tensor, temperature: tf.Tensor | float, share: tf.Tensor, head: str) -> tf.Tensor:
    """Return the scores [N] of photos with `logits` [N, classes] and the `share` [N]; `head` is that of the card."""
    if head == "imagenet":
        logarithms = tf.nn.log_softmax(logits / temperature)
        evidence = tf.reduce_sum(tf.exp(logarithms) * logarithms, axis=1)
    else:
        evidence = tf.reduce_logsumexp(logits, axis=1)
    return evidence + _SHARE_EXPONENT * tf.math.log(share + _EPSILON)


def quantile_values(familiarity: Familiarity) -> np.ndarray:
    """Return the quantiles as the graph holds them, float32 [QUANTILES]."""
    return np.array(familiarity.quantiles or _NO_QUANTILES, np.float32)


def share_below(scores: tf.Tensor, quantiles: tf.Tensor) -> tf.Tensor:
    """Return for each of `scores` [N] the share of the distribution with these quantiles that lies below it, 0..1."""
    widths = tf.maximum(quantiles[1:] - quantiles[:-1], _LEAST_WIDTH)
    passed = (scores[:, tf.newaxis] - quantiles[:-1]) / widths
    return tf.reduce_mean(tf.clip_by_value(passed, 0.0, 1.0), axis=1)
