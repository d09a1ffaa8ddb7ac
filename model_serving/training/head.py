"""The head: a dense layer on pooled features, returned at its best epoch.

It starts from ImageNet's classifier, or from the linear discriminants of its own photos where ImageNet knows none of
the classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np

from model_serving.backbones import Classifier
from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
from model_serving.training.head_options import HeadOptions
from model_serving.training.whitening import discriminants, whiten_within

# An epoch has so many batches, however few photos there are: they come round more than once.
FEWEST_BATCHES = 25
# Of cross-validation.
FOLDS = 5

# Features float32 [N, features] of photos, and the indices of their breeds, int [N].
Labelled = tuple[np.ndarray, np.ndarray]

# What the best epoch has the least of, with and without validation photos. (The validation loss has the penalty in it,
# which is least at the start.)
_DECIDING = {True: "val_cross_entropy", False: "loss"}


def imagenet_start(imagenet: Classifier, breeds: Sequence[str]) -> Classifier | None:
    """Return ImageNet's rows for `breeds`; a breed that it lacks gets the mean of its dogs.

    None if it lacks them all.
    """
    if not set(breeds) & set(IMAGENET_BREEDS):
        return None
    kernel, bias = imagenet.kernel[:, IMAGENET_DOGS], imagenet.bias[IMAGENET_DOGS]
    places = [IMAGENET_BREEDS.index(breed) if breed in IMAGENET_BREEDS else -1 for breed in breeds]
    return Classifier(
        np.stack([kernel[:, place] if place >= 0 else kernel.mean(axis=1) for place in places], axis=1),
        np.array([bias[place] if place >= 0 else bias.mean() for place in places], np.float32),
    )


def fit_head(
    train: Labelled,
    valid: Labelled,
    classes: int,
    options: HeadOptions,
    start: Classifier | None = None,
    epochs: int | None = None,
) -> tuple[Classifier, dict[str, list[float]]]:
    """Return the head with the lowest validation cross-entropy, and the history of losses and accuracies by epoch.

    `train` and `valid` are features float32 [N, features] and class indices int [N]. Without validation photos the
    training loss decides. The head begins at `start`, or else at the linear discriminants of the training photos, and
    is penalised for how far it goes from there. With `epochs` it stops after so many, and is the last of them; the
    learning rate falls as it does without.

    Features are whitened first; the whitening is folded into the kernel afterwards.
    """
    keras.utils.set_random_seed(options.seed)
    values, labels = train
    whitening = whiten_within(values, labels)
    begin = start or discriminants(whitening, values, labels, classes, options.balance)
    # What is fitted is the step from the start. The problem is convex: random weights would only be noise.
    dense = keras.layers.Dense(
        classes, kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(l2_for(len(values)))
    )
    features, begun = keras.Input((values.shape[1],)), keras.Input((classes,))
    model = keras.Model([features, begun], keras.layers.Softmax()(dense(features) + begun))
    repeats = math.ceil(FEWEST_BATCHES * options.batch / len(values))
    steps = options.epochs * math.ceil(repeats * len(values) / options.batch)
    learning_rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy")],
        steps_per_execution=FEWEST_BATCHES,  # a batch is so little work that a call for each would cost more
    )

    def prepared(split: Labelled) -> tuple[list[np.ndarray], np.ndarray]:
        return [whitening(split[0]), begin.logits(split[0])], split[1]

    has_valid = len(valid[0]) > 0
    history = model.fit(
        *prepared((np.tile(values, (repeats, 1)), np.tile(labels, repeats))),
        validation_data=prepared(valid) if has_valid else None,
        epochs=epochs or options.epochs,
        batch_size=options.batch,
        class_weight=class_weights(labels, classes, options.balance),
        callbacks=[]
        if epochs
        else [
            keras.callbacks.EarlyStopping(
                _DECIDING[has_valid], patience=options.patience, mode="min", restore_best_weights=True
            )
        ],
        verbose=0,
    )
    step = whitening.unfold(*dense.get_weights())
    return Classifier(begin.kernel + step.kernel, begin.bias + step.bias), history.history


def refit_head(
    train: Labelled,
    valid: Labelled,
    classes: int,
    options: HeadOptions,
    start: Classifier | None,
    epochs: int,
) -> Classifier:
    """Return the head of as many epochs on the training and the validation photos together."""
    values, labels = (np.concatenate(both) for both in zip(train, valid, strict=True))
    head, _ = fit_head((values, labels), (values[:0], labels[:0]), classes, options, start, epochs)
    return head


def kept_epoch(history: dict[str, list[float]]) -> int:
    """Return the epoch, counted from 1, whose head `fit_head` returned with this history."""
    return int(np.argmin(history[_DECIDING["val_loss" in history]])) + 1


def held_out_logits(train: Labelled, classes: int, options: HeadOptions, start: Classifier | None = None) -> Labelled:
    """Return logits [N, classes] of the training photos and their labels [N], each by a head that has not seen it.

    They take the place of validation photos where those are too few: the photos, five or more, are dealt out class by
    class, and for each lot a head is fitted to the others.
    """
    values, labels = train
    order = np.random.default_rng(options.seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    logits = np.empty((len(labels), classes), np.float32)
    nothing = values[:0], labels[:0]
    for lot in range(FOLDS):
        out = order[lot::FOLDS]
        rest = np.setdiff1d(order, out)
        head, _ = fit_head((values[rest], labels[rest]), nothing, classes, options, start)
        logits[out] = head.logits(values[out])
    return logits, labels


def l2_for(photos: int) -> float:
    """Return the L2 penalty that suits a number of training photos: the fewer, the nearer the head stays to its start.

    Cross-validated on 10 to 4,850 photos of dogs, where it is flat: between half of it and twice as much is as good.
    """
    return min(0.3, 2.1 / math.sqrt(max(photos, 1)))


def class_weights(labels: np.ndarray, classes: int, balance: float) -> dict[int, float]:
    """Return the weight of a photo of each class, as `HeadOptions` says; on average over the photos it is 1."""
    counts = np.bincount(labels, minlength=classes)
    weights = np.maximum(counts, 1.0) ** -balance
    weights *= len(labels) / max(float((weights * counts).sum()), 1e-12)
    return dict(enumerate(weights.tolist()))
