"""Search for the dogs of a whole photo, of which the model sees only the central square otherwise.

The version's signature `locate` tells where there may be dogs; each such part is then asked about like a photo.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from detector_api.serving.model_card import ModelVersion
from detector_api.serving.serving_client import Answer, Box, ServingClient
from model_serving.photos import Geometry

# auto: where the centre shows no dog or no sure breed; all: always, and every dog is told; no: never.
Find = Literal["auto", "all", "no"]
# left_out: the gateway was too busy, or the search failed; unavailable: the version cannot search.
Outcome = Literal["not_needed", "done", "left_out", "unavailable"]

# Sides of what `locate` is sent. It looks at a smaller copy still.
LOCATE_SIDE = 1024
# Parts that are asked about for a better answer than the centre's: the likeliest.
BEST_BOXES = 3
# How much surer of its breed another part must be than a centre that shows a dog.
MARGIN = 0.1


@dataclass(frozen=True)
class FoundDog:
    """A dog of the photo: the part that shows it, and the model's answer for that part."""

    box: Box
    answer: Answer


@dataclass(frozen=True)
class PhotoResult:
    """The answer for a photo.

    `box` is the part that was judged and `search` what became of the search; both are None where none was asked for,
    or by default of a version that cannot search. `dogs` are all that were found, None unless they were asked for.
    """

    answer: Answer
    model: ModelVersion
    box: Box | None = None
    search: Outcome | None = None
    dogs: tuple[FoundDog, ...] | None = None


def centre_box(photo_size: tuple[int, int], geometry: Geometry) -> Box:
    """Return the central square that the model sees of a photo of this width and height."""
    width, height = photo_size
    left, top, right, bottom = geometry.box(width, height)
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def needs_search(centre: PhotoResult) -> bool:
    """Tell whether the centre shows no dog, or no breed of which the model is sure."""
    thresholds = centre.model.card.thresholds
    return centre.answer.dog_probability < thresholds.dog or centre.answer.probabilities[0] < thresholds.sure


def with_centre_as_dog(centre: PhotoResult) -> PhotoResult:
    """Return the answer with the centre as the one dog, if it shows one, of a photo that was not searched."""
    card = centre.model.card
    assert centre.box
    is_dog = not card.detects_dogs or centre.answer.dog_probability >= card.thresholds.dog
    return replace(centre, dogs=(FoundDog(centre.box, centre.answer),) if is_dog else ())


class Search:
    """Search of one photo, asked of the version that answered for its centre."""

    def __init__(self, client: ServingClient, centre: PhotoResult, explain: bool, deadline: float) -> None:
        self._client = client
        self._centre = centre
        self._explain = explain
        self._deadline = deadline

    async def find_better(self, whole: Image.Image) -> PhotoResult:
        """Return the best part's answer, or the centre's if that is as good."""
        centre = replace(self._centre, search="done")
        dogs = await self._dogs(whole, BEST_BOXES)
        if not dogs:
            return centre
        best, seen = dogs[0].answer, centre.answer
        shows_dog = seen.dog_probability >= centre.model.card.thresholds.dog
        if shows_dog and best.probabilities[0] <= seen.probabilities[0] + MARGIN:
            return centre
        return replace(centre, answer=best, box=dogs[0].box)

    async def find_all(self, whole: Image.Image) -> PhotoResult:
        """Return the answer with all dogs, the best first: it is the best one's, or the centre's if none was found."""
        centre = replace(self._centre, search="done")
        dogs = await self._dogs(whole)
        if not dogs:
            return with_centre_as_dog(centre)
        return replace(centre, answer=dogs[0].answer, box=dogs[0].box, dogs=tuple(dogs))

    async def _dogs(self, whole: Image.Image, most: int | None = None) -> list[FoundDog]:
        """Return those of the likeliest parts that show a dog, the best first."""
        version = self._centre.model.version
        seen = await asyncio.to_thread(_shrink, whole, LOCATE_SIDE)
        boxes = await self._client.locate(seen.tobytes(), *seen.size, version=version, deadline=self._deadline)
        asked = [self._ask(whole, box) for box in boxes[:most]]
        dogs = [FoundDog(*one) for one in zip(boxes, await asyncio.gather(*asked), strict=False)]
        threshold = self._centre.model.card.thresholds.found
        found = [dog for dog in dogs if dog.answer.dog_probability >= threshold]
        return sorted(found, key=lambda dog: -dog.answer.dog_probability * dog.answer.probabilities[0])

    async def _ask(self, whole: Image.Image, box: Box) -> Answer:
        model = self._centre.model
        size = model.card.input_size
        pixels = await asyncio.to_thread(_cut, whole, box, size)
        return await self._client.predict(
            pixels, size, explain=self._explain, version=model.version, deadline=self._deadline
        )


def _shrink(image: Image.Image, side: int) -> Image.Image:
    """Return the image with no side above `side`."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _cut(image: Image.Image, box: Box, size: int) -> bytes:
    """Return the central square of a part at the model's size: pixels row by row, resized as all photos are."""
    left, top, width, height = box.left * image.width, box.top * image.height, box.width, box.height
    square = Geometry(size, 1.0).box(width * image.width, height * image.height)
    edges = (left + square[0], top + square[1], left + square[2], top + square[3])
    bounded = tuple(min(max(edge, 0.0), limit) for edge, limit in zip(edges, image.size * 2, strict=True))
    return image.resize((size, size), Image.Resampling.BICUBIC, box=bounded).tobytes()  # type: ignore[arg-type]
