"""Fits the head: a dense layer on pooled features, stopped early and returned at its best epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np

from model_serving.backbones import Classifier


@dataclass(frozen=True)
class HeadOptions:
    """How the head is fitted.

    Features are standardised first, as their scales differ by orders of magnitude; the scale is folded into the kernel
    afterwards. On standardised features a strong L2 penalty matters most: 1,280 of them fit any few thousand photos.
    """

    epochs: int = 40
    patience: int = 4
    batch: int = 32
    learning_rate: float = 2e-4  # falls to 0 along a cosine
    l2: float = 0.05
    seed: int = 2018


def fit_head(
    train: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], classes: int, options: HeadOptions
) -> tuple[Classifier, dict[str, list[float]]]:
    """Return the head with the lowest validation loss, and the history of losses and accuracies by epoch.

    `train` and `valid` are features float32 [N, features] and class indices int [N]. Without validation photos the
    training loss decides.
    """
    keras.utils.set_random_seed(options.seed)
    mean, std = train[0].mean(axis=0), train[0].std(axis=0) + 1e-6
    # The problem is convex, so it starts from nothing: random weights would be noise that few photos cannot unlearn.
    dense = keras.layers.Dense(
        classes, "softmax", kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(options.l2)
    )
    model = keras.Sequential([keras.Input((train[0].shape[1],)), dense])
    steps = options.epochs * math.ceil(len(train[0]) / options.batch)
    learning_rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    model.compile(keras.optimizers.Adam(learning_rate), "categorical_crossentropy", metrics=["accuracy"])

    def prepared(split: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return (split[0] - mean) / std, keras.utils.to_categorical(split[1], classes)

    has_valid = len(valid[0]) > 0
    history = model.fit(
        *prepared(train),
        validation_data=prepared(valid) if has_valid else None,
        epochs=options.epochs,
        batch_size=options.batch,
        callbacks=[
            keras.callbacks.EarlyStopping(
                "val_loss" if has_valid else "loss", patience=options.patience, restore_best_weights=True
            )
        ],
        verbose=0,
    )
    kernel, bias = dense.get_weights()
    kernel = (kernel / std[:, np.newaxis]).astype(np.float32)
    return Classifier(kernel, (bias - mean @ kernel).astype(np.float32)), history.history
