"""Fitting the head."""

import numpy as np
import pytest

from model_serving.backbones import Classifier
from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
from model_serving.metrics import measure
from model_serving.training.head import (
    class_weights,
    fit_head,
    held_out_logits,
    imagenet_start,
    kept_epoch,
    l2_for,
    refit_head,
)
from model_serving.training.head_options import HeadOptions

NOTHING = np.empty((0, 3), np.float32), np.empty(0, int)


def separable(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw features of three classes with scales that differ by six orders of magnitude."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    values = np.eye(3)[labels] + random.normal(0, 0.1, (count, 3))
    return (values * [1e-3, 1, 1e3] + 5).astype(np.float32), labels


def test_fit_head_learns_whatever_the_scale_of_features() -> None:
    """The returned kernel works on raw features: whitening is folded into it."""
    head, _ = fit_head(separable(0, 300), separable(1, 60), 3, HeadOptions())
    values, labels = separable(2, 100)
    assert measure(values @ head.kernel + head.bias, labels).top1 == 1


def test_fit_head_twice_gives_the_same_head() -> None:
    """Seeds are fixed: the same data gives the same model."""
    one, other = (fit_head(separable(0, 100), separable(1, 30), 3, HeadOptions(epochs=3))[0] for _ in range(2))
    np.testing.assert_array_equal(one.kernel, other.kernel)


def test_fit_head_stops_early_and_returns_the_best_epoch() -> None:
    """Fitting ends after `patience` epochs of rising validation loss, and the first epoch's head is kept."""
    train = separable(0, 300)
    contrary = (separable(1, 60)[0], (separable(1, 60)[1] + 1) % 3)
    stopped, history = fit_head(train, contrary, 3, HeadOptions(patience=2))
    assert len(history["val_cross_entropy"]) == 3
    assert kept_epoch(history) == 1
    values, labels = contrary
    logits = values @ stopped.kernel + stopped.bias
    log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    loss = (log_sum - logits[np.arange(len(labels)), labels]).mean()
    np.testing.assert_allclose(loss, history["val_cross_entropy"][0], rtol=1e-3)


def test_fit_head_for_so_many_epochs_is_the_head_of_that_epoch() -> None:
    """Stopping at the epoch that a longer fit has kept gives the very head that it returned."""
    train, contrary = separable(0, 100), separable(1, 30)
    contrary = contrary[0], (contrary[1] + 1) % 3
    stopped, history = fit_head(train, contrary, 3, HeadOptions(patience=2))
    again, _ = fit_head(train, NOTHING, 3, HeadOptions(patience=2), epochs=kept_epoch(history))
    np.testing.assert_allclose(again.kernel, stopped.kernel, rtol=1e-5)


def test_refit_head_learns_from_the_validation_photos_too() -> None:
    """A class that only the validation photos show is recognised afterwards."""
    train, valid = separable(0, 100), separable(1, 60)
    known = train[1] < 2
    head = refit_head((train[0][known], train[1][known]), valid, 3, HeadOptions(), None, epochs=20)
    values, labels = separable(2, 100)
    assert measure((values @ head.kernel + head.bias)[labels == 2], labels[labels == 2]).top1 > 0.9


def test_fit_head_without_validation_photos_works() -> None:
    """A handful of photos with nothing to hold out still makes a head."""
    head, history = fit_head(separable(0, 6), NOTHING, 3, HeadOptions(epochs=2))
    assert head.kernel.shape == (3, 3)
    assert "val_loss" not in history


def test_fit_head_of_one_photo_a_class_keeps_what_its_start_knows() -> None:
    """Three photos whose features are mostly noise do not make a good classifier a bad one."""
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    values = random.normal(size=(300, 100)).astype(np.float32)
    values[:, :3] += 4 * np.eye(3)[labels]
    start = Classifier(np.eye(100, 3, dtype=np.float32), np.zeros(3, np.float32))
    with_start, without = (
        fit_head((values[:3], labels[:3]), NOTHING, 3, HeadOptions(epochs=10), begun)[0] for begun in (start, None)
    )
    assert not np.array_equal(with_start.kernel, start.kernel)
    assert measure(values @ with_start.kernel + with_start.bias, labels).top1 > 0.95
    assert measure(values @ without.kernel + without.bias, labels).top1 < 0.9


def test_fit_head_without_a_start_learns_from_one_photo_a_class() -> None:
    """One photo of each class is enough where they are easily told apart."""
    labels = np.arange(300) % 3
    values = (np.eye(3)[labels] + np.random.default_rng(0).normal(0, 0.1, (300, 3))).astype(np.float32)
    one_each = [np.flatnonzero(labels == label)[0] for label in range(3)]
    head, _ = fit_head((values[one_each], labels[one_each]), NOTHING, 3, HeadOptions())
    assert measure(values @ head.kernel + head.bias, labels).top1 > 0.9


def test_fit_head_gives_rare_classes_a_chance() -> None:
    """Of two classes that overlap the rare one is recognised more often than if each photo counted the same."""
    random = np.random.default_rng(0)
    labels = np.r_[np.zeros(2000, int), np.ones(100, int)]
    values = (random.normal(0, 1, (2100, 4)) + labels[:, np.newaxis]).astype(np.float32)

    def recall(balance: float) -> float:
        head, _ = fit_head((values, labels), NOTHING, 2, HeadOptions(epochs=5, learning_rate=1e-3, balance=balance))
        return measure((values @ head.kernel + head.bias)[labels == 1], np.ones(100, int)).top1

    assert recall(0.5) > recall(0.0) + 0.1


def test_class_weights_follow_the_balance_and_average_to_one() -> None:
    """A class with a quarter of the photos counts twice a photo, or as asked; the learning rate keeps its meaning."""
    labels = np.r_[np.zeros(400, int), np.ones(100, int)]
    for balance, ratio in ((0.5, 2), (1.0, 4), (0.0, 1)):
        weights = class_weights(labels, 3, balance)
        assert weights[1] == pytest.approx(ratio * weights[0])
        assert np.mean([weights[label] for label in labels]) == pytest.approx(1)


def test_l2_holds_few_photos_nearer_to_the_start() -> None:
    """The penalty falls with the number of photos, and is bounded."""
    assert l2_for(10) == l2_for(2) == 0.3
    assert l2_for(100) > l2_for(1000) > l2_for(10_000) > 0


def test_imagenet_start_takes_the_rows_of_its_breeds() -> None:
    """A breed that ImageNet knows starts with its row, another as the average dog, and other things with nothing."""
    random = np.random.default_rng(0)
    imagenet = Classifier(random.normal(size=(4, 1000)), random.normal(size=1000))
    start = imagenet_start(imagenet, ["Akita", "Pug"])
    assert start is not None
    pug = IMAGENET_DOGS.start + IMAGENET_BREEDS.index("Pug")
    np.testing.assert_array_equal(start.kernel[:, 1], imagenet.kernel[:, pug])
    assert start.bias[1] == pytest.approx(imagenet.bias[pug])
    np.testing.assert_allclose(start.kernel[:, 0], imagenet.kernel[:, IMAGENET_DOGS].mean(axis=1))
    assert imagenet_start(imagenet, ["Spoon", "Fork"]) is None


def test_held_out_logits_are_of_heads_that_have_not_seen_the_photo() -> None:
    """Labels without any pattern are learned by heart and not recognised on photos held out."""
    random = np.random.default_rng(0)
    train = random.normal(size=(60, 100)).astype(np.float32), np.arange(60) % 3
    head, _ = fit_head(train, NOTHING, 3, HeadOptions(epochs=10))
    logits, labels = held_out_logits(train, 3, HeadOptions(epochs=4))
    assert measure(train[0] @ head.kernel + head.bias, train[1]).top1 > 0.9
    np.testing.assert_array_equal(labels, train[1])
    assert measure(logits, labels).top1 < 0.6
