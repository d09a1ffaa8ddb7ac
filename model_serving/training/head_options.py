"""Options of the head with their defaults; a module of its own, as the command shows them without importing Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class HeadOptions:
    """Options of fitting the head.

    `start` is "imagenet", which holds for breeds that ImageNet knows, or "discriminants" of the training photos. With
    `balance` a photo counts as the number of photos of its class to the power of minus it: 0 makes all photos equal, 1
    all classes, and 0.5 is between.
    """

    epochs: int = 20
    patience: int = 4
    batch: int = 32
    learning_rate: float = 2e-4  # falls to 0 along a cosine
    start: Literal["imagenet", "discriminants"] = "imagenet"
    balance: float = 0.5
    seed: int = 2018
