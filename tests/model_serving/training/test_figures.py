"""Accuracy."""

import numpy as np

from model_serving.training.figures import Figures, accuracy


def test_accuracy_counts_first_and_first_five() -> None:
    """Of four answers one is right at once, two more among the first five, one not at all."""
    probabilities = np.tile(np.arange(10, 0, -1.0), (4, 1))
    assert accuracy(probabilities, [0, 1, 4, 5]) == Figures(photos=4, top1=0.25, top5=0.75)
