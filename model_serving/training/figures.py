"""How good answers are: top-1 and top-5 accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Figures:
    """Accuracies in 0..1 over a number of photos; top-5 counts answers with the right breed among their first five."""

    photos: int
    top1: float
    top5: float

    def __str__(self) -> str:
        return f"{self.photos} photos: top-1 {self.top1:.1%}, top-5 {self.top5:.1%}"


def accuracy(probabilities: np.ndarray, labels: npt.ArrayLike) -> Figures:
    """Return the figures of `probabilities` [N, breeds] against the right breeds' indices [N]; N must not be 0."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    hits = ranked == np.asarray(labels)[:, np.newaxis]
    return Figures(len(hits), float(hits[:, 0].mean()), float(hits.any(axis=1).mean()))
