"""Rule for a photo that was searched: which parts are dogs, and when the likeliest answers better than the centre.

No TensorFlow and no Pillow, so that gateway, `score` and benchmarks have the one rule. Boxes are those of the signature
`locate`, asked again at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# auto: where the centre shows no dog or no breed that is near to sure; all: always, and every dog is told; no: never.
Find = Literal["auto", "all", "no"]
# The whole photo from which parts are cut has no more pixels than a square of this side: a dog of a quarter of its
# height then still has most of the pixels of the model's input.
WHOLE_SIDE = 1600
# The longest side, in pixels, at which a whole photo is sent to `locate`.
LOCATE_LONG_SIDE = 1024
# A centre with a dog is searched below this share of the confidence that counts as sure. Searches between the two cost
# twice the time of all others, and name hardly a dog more.
SEARCHED_SHARE = 0.7
# The answer to the likeliest box takes the place of the centre's if it is this sure, and, of a centre that shows a dog,
# surer by this much. With less, large dogs are named worse by a part of them. To ask more boxes, or to average the
# answers to several margins or to a mirrored box, gains nothing.
LEAST_CONFIDENCE = 0.3
SURER_BY = 0.3


@dataclass(frozen=True)
class Reading:
    """The model's answer to a part of a photo: the first breed with its confidence, and two probabilities of a dog.

    `found_probability` is the one that counts for a part that was found: see `FOUND_THRESHOLD`.
    """

    breed: str
    confidence: float
    dog_probability: float
    found_probability: float

    def is_found(self, dog: float, found: float) -> bool:
        """Return whether a part that was found is a dog by the card's thresholds."""
        return self.dog_probability >= dog and self.found_probability >= found


def needs_search(centre: Reading, dog: float, sure: float) -> bool:
    """Return whether the centre shows no dog or no breed near to sure, by the card's thresholds `dog` and `sure`."""
    return centre.dog_probability < dog or centre.confidence < SEARCHED_SHARE * sure


def dogs_among(boxes: Sequence[Reading], dog: float, found: float) -> list[int]:
    """Return the indices of the boxes that are dogs by the card's thresholds, the best first."""
    dogs = [index for index, box in enumerate(boxes) if box.is_found(dog, found)]
    return sorted(dogs, key=lambda index: -boxes[index].dog_probability * boxes[index].confidence)


def is_better(box: Reading, centre: Reading, dog: float, found: float) -> bool:
    """Return whether the answer to the likeliest box is better than the centre's."""
    if not box.is_found(dog, found) or box.confidence < LEAST_CONFIDENCE:
        return False
    return centre.dog_probability < dog or box.confidence >= centre.confidence + SURER_BY
