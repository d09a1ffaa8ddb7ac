"""The geometry of photos: parts, and the squares that a model sees of them."""

import pytest

from model_serving.photos.geometry import Box, Geometry


def test_part_of_a_wide_photo_is_its_central_square() -> None:
    """The square that a model sees is told as fractions of width and height."""
    assert Geometry(10, 1.0).part((400, 200)) == Box(0.25, 0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("box", "square"),
    [
        (Box(0.5, 0.5, 0.25, 0.5), (200, 100, 300, 200)),
        (Box(0.0, 0.0, 1.0, 1.0), (100, 0, 300, 200)),
        (Box(0.9, 0.5, 0.5, 1.0), (360, 100, 400, 200)),
    ],
)
def test_square_of_a_box_never_leaves_the_photo(box: Box, square: tuple[float, ...]) -> None:
    """A part's central square is in pixels; a part that reaches out of the photo is cut at its edge."""
    assert box.square(400, 200) == pytest.approx(square)
