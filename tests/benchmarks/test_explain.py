"""The heat map shows what the breed was told by."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.explain import FILLS, erase
from model_serving.data.files import photos_below


@pytest.mark.parametrize("fill", FILLS)
def test_erase_hot_square_matters_more_than_the_cold_one(starter_model: Path, shared_images: Path, fill: str) -> None:
    """On at least four of five photos of dogs, the breed is lost by what is hot rather than by what is cold."""
    photos = [*photos_below(shared_images / "dogs"), *photos_below(shared_images / "udacity133")[::2]]
    erasure = erase(starter_model / "1", photos, fill)
    assert len(erasure.hot) == len(photos) == 40
    assert erasure.right >= 0.8
    assert erasure.hot.mean() > 2 * abs(erasure.cold.mean())
