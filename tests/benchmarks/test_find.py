"""Composed photos show their dogs where it is said that they do."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.find import HEIGHT, Dog, compose

RED, GREY = (255, 0, 0), (90, 90, 90)


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.25), (1, 0.6), (2, 0.5)])
def test_compose_puts_dogs_side_by_side_and_tells_where(tmp_path: Path, count: int, fraction: float) -> None:
    """Each box is filled by its dog, as high as asked for, and nothing of a dog is outside the boxes."""
    Image.new("RGB", (400, 300), GREY).save(tmp_path / "background.png")
    Image.new("RGB", (50, 50), RED).save(tmp_path / "dog.png")
    dogs = [Dog(tmp_path / "dog.png", "Pug")] * count
    encoded, boxes = compose(tmp_path / "background.png", dogs, fraction, np.random.default_rng(3))
    red = np.asarray(Image.open(io.BytesIO(encoded)))[..., 0] > 200
    height, width = red.shape
    assert (height, len(boxes)) == (HEIGHT, count)
    for box in boxes:
        top, left = round(box.top * height), round(box.left * width)
        part = red[top : top + round(box.height * height), left : left + round(box.width * width)]
        assert part.shape[0] == part.shape[1] == pytest.approx(fraction * HEIGHT, abs=1)
        assert part.mean() > 0.75
    inside = sum(box.height * box.width for box in boxes)
    assert 0.75 * inside < red.mean() <= inside
