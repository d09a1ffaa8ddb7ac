"""Whitening of features and linear discriminants."""

import numpy as np

from model_serving.metrics import measure
from model_serving.training.whitening import discriminants, whiten_within


def correlated(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two classes that differ by little in one direction, and photos of one class by much in another."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    loud, quiet = random.normal(0, 5, count), (labels - 0.5) + random.normal(0, 0.2, count)
    return np.stack([loud + quiet, loud - quiet], axis=1).astype(np.float32), labels


def test_whitening_makes_directions_alike_in_which_photos_of_one_class_differ() -> None:
    """A direction in which photos of a class differ 25 times as much as in another counts about as much afterwards."""
    values, labels = correlated(0, 1000)
    whitened = whiten_within(values, labels)(values)
    within = whitened - np.stack([whitened[labels == label].mean(axis=0) for label in (0, 1)])[labels]
    variances = np.linalg.eigvalsh(np.cov(within.T))
    assert variances[1] < 8 * variances[0]


def test_unfolding_gives_the_same_logits_for_features_as_they_are() -> None:
    """A layer on whitened features and its unfolded form agree."""
    values, labels = correlated(1, 200)
    whitening = whiten_within(values, labels)
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(2, 3)).astype(np.float32), random.normal(size=3).astype(np.float32)
    np.testing.assert_allclose(
        whitening.unfold(kernel, bias).logits(values), whitening(values) @ kernel + bias, rtol=1e-3, atol=1e-3
    )


def test_discriminants_are_those_of_the_textbook() -> None:
    """With many photos they follow Fisher's direction, the inverse covariance times the difference of means."""
    values, labels = correlated(2, 1000)
    head = discriminants(whiten_within(values, labels), values, labels, 2, balance=1)
    means = np.stack([values[labels == label].mean(axis=0) for label in (0, 1)])
    fisher = np.linalg.solve(np.cov((values - means[labels]).T), means[1] - means[0])
    found = head.kernel[:, 1] - head.kernel[:, 0]
    assert found @ fisher / np.linalg.norm(found) / np.linalg.norm(fisher) > 0.99
    assert measure(head.logits(values), labels).top1 > 0.95


def test_a_class_without_photos_is_never_ahead_of_one_that_is_shown() -> None:
    """Of a class that only other photos show, the discriminants say that it is unlikely, and nothing undefined."""
    values, labels = correlated(3, 100)
    head = discriminants(whiten_within(values, labels), values, labels, 3, balance=0.5)
    logits = head.logits(values)
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=1) < 2).all()


def test_one_photo_a_class_is_enough() -> None:
    """Without two photos of a class nothing is known of how they differ; the nearest one is named."""
    values = np.eye(3, 8, dtype=np.float32) * 5
    labels = np.arange(3)
    head = discriminants(whiten_within(values, labels), values, labels, 3, balance=0.5)
    assert (head.logits(values + 0.1).argmax(axis=1) == labels).all()
