"""Fitting the head."""

import numpy as np

from model_serving.training.figures import measure
from model_serving.training.head import HeadOptions, fit_head


def separable(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw features of three classes with scales that differ by six orders of magnitude."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    values = np.eye(3)[labels] + random.normal(0, 0.1, (count, 3))
    return (values * [1e-3, 1, 1e3] + 5).astype(np.float32), labels


def test_fit_head_learns_whatever_the_scale_of_features() -> None:
    """The returned kernel works on raw features: standardising is folded into it."""
    head, _ = fit_head(separable(0, 300), separable(1, 60), 3, HeadOptions())
    values, labels = separable(2, 100)
    assert measure(values @ head.kernel + head.bias, labels).top1 == 1


def test_fit_head_twice_gives_the_same_head() -> None:
    """Seeds are fixed: the same data gives the same model."""
    one, other = (fit_head(separable(0, 100), separable(1, 30), 3, HeadOptions(epochs=3))[0] for _ in range(2))
    np.testing.assert_array_equal(one.kernel, other.kernel)


def test_fit_head_stops_early_and_returns_the_best_epoch() -> None:
    """When the validation loss only rises, fitting ends after `patience` epochs and the first epoch's head is kept."""
    train = separable(0, 300)
    contrary = (separable(1, 60)[0], (separable(1, 60)[1] + 1) % 3)
    stopped, history = fit_head(train, contrary, 3, HeadOptions(patience=2, l2=0))
    assert len(history["val_loss"]) == 3
    assert min(history["val_loss"]) == history["val_loss"][0]
    values, labels = contrary
    logits = values @ stopped.kernel + stopped.bias
    log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    loss = (log_sum - logits[np.arange(len(labels)), labels]).mean()
    np.testing.assert_allclose(loss, history["val_loss"][0], rtol=1e-3)


def test_fit_head_without_validation_photos_works() -> None:
    """A handful of photos with nothing to hold out still makes a head."""
    head, history = fit_head(separable(0, 6), (np.empty((0, 0)), np.empty(0, int)), 3, HeadOptions(epochs=2))
    assert head.kernel.shape == (3, 3)
    assert "val_loss" not in history
