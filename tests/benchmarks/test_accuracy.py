"""Dogs are told from other things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import dog_probabilities, roc_area
from model_serving.data.files import photos_below


def test_roc_area_counts_pairs_in_order() -> None:
    """Of six pairs four are in order and one is a tie."""
    assert roc_area(np.array([0.9, 0.8, 0.2]), np.array([0.2, 0.5])) == pytest.approx(4.5 / 6)


def test_starter_tells_dogs_from_other_things(starter_model: Path, shared_images: Path) -> None:
    """The starter holds nearly every photo of a dog, a thumbnail too, for more of a dog than any other photo."""
    folders = ("dogs", "udacity133", "dogs_small")
    photos = [photo for name in folders for photo in photos_below(shared_images / name)[::2]]
    dogs = dog_probabilities(starter_model / "1", photos)
    others = dog_probabilities(starter_model / "1", photos_below(shared_images / "not_dogs"))
    assert (len(dogs), len(others)) == (97, 41)
    assert roc_area(dogs, others) >= 0.98
