"""The rule for photos that were searched."""

import pytest

from model_serving.photos.found import (
    LEAST_CONFIDENCE,
    SEARCHED_SHARE,
    SURER_BY,
    Reading,
    dogs_among,
    is_better,
    needs_search,
)

DOG, SURE, FOUND = 0.2, 0.5, 0.4
NO_DOG = Reading("Akita", 0.9, DOG / 2, 0.9)
SURE_DOG = Reading("Beagle", 0.9, 0.9, 0.9)
UNSURE_DOG = Reading("Boxer", 0.3, 0.9, 0.9)
DOUBTFUL_DOG = Reading("Pug", 0.9, 0.9, FOUND - 0.01)
ALMOST_SURE_DOG = Reading("Beagle", SEARCHED_SHARE * SURE + 0.01, 0.9, 0.9)


@pytest.mark.parametrize(
    ("centre", "searched"), [(NO_DOG, True), (UNSURE_DOG, True), (ALMOST_SURE_DOG, False), (SURE_DOG, False)]
)
def test_needs_search_of_photos_without_a_breed_near_to_sure(centre: Reading, searched: bool) -> None:
    """A photo is searched where its centre shows no dog or no breed near to sure, and only there."""
    assert needs_search(centre, DOG, SURE) is searched


def test_dogs_among_leaves_out_what_is_perhaps_no_dog() -> None:
    """Boxes below either threshold are no dogs; the others come best first."""
    assert dogs_among([UNSURE_DOG, DOUBTFUL_DOG, SURE_DOG, NO_DOG], DOG, FOUND) == [2, 0]


@pytest.mark.parametrize(
    ("box", "centre", "better"),
    [
        (NO_DOG, NO_DOG, False),
        (DOUBTFUL_DOG, NO_DOG, False),
        (Reading("Pug", LEAST_CONFIDENCE - 0.01, 0.9, 0.9), NO_DOG, False),
        (SURE_DOG, NO_DOG, True),
        (SURE_DOG, UNSURE_DOG, True),
        (SURE_DOG, Reading("Pug", SURE_DOG.confidence - SURER_BY / 2, 0.9, 0.9), False),
    ],
)
def test_is_better_of_a_sure_dog_where_the_centre_shows_none_or_one_less_sure(
    box: Reading, centre: Reading, better: bool
) -> None:
    """A sure box answers for a centre without a dog, or if it is much surer; otherwise the centre stays."""
    assert is_better(box, centre, DOG, FOUND) is better
