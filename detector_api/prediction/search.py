"""Search for the dogs of a whole photo, of which the model sees only the central square otherwise.

The version's signature `locate` tells where there may be dogs; each such part is then asked about like a photo.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from detector_api.serving.model_card import ModelVersion
from detector_api.serving.serving_client import Answer, ServingClient
from detector_api.serving.target import Label, Target
from model_serving.photos import found
from model_serving.photos.geometry import Box
from model_serving.photos.parts import cut, view_to_search

# left_out: the gateway was too busy, or the search failed; unavailable: the version cannot search.
Outcome = Literal["not_needed", "done", "left_out", "unavailable"]


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
    `label` is the one that the version was asked by, None where it was asked without.
    """

    answer: Answer
    model: ModelVersion
    box: Box | None = None
    search: Outcome | None = None
    dogs: tuple[FoundDog, ...] | None = None
    label: Label | None = None


def needs_search(centre: PhotoResult) -> bool:
    """Tell whether the centre shows no dog, or no breed of which the model is near to sure."""
    thresholds = centre.model.card.thresholds
    return found.needs_search(_reading(centre.answer), thresholds.dog, thresholds.sure)


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
        # By its number, so that all parts are judged by one; a search that fails is left out.
        self._target = Target(version=centre.model.version, is_trial=centre.label == "canary")

    async def find_better(self, whole: Image.Image) -> PhotoResult:
        """Return the likeliest part's answer, or the centre's if that is as good."""
        centre = replace(self._centre, search="done")
        thresholds = centre.model.card.thresholds
        for part in await self._parts(whole, most=1):
            reading = _reading(part.answer)
            if found.is_better(reading, _reading(centre.answer), thresholds.dog, thresholds.found):
                return replace(centre, answer=part.answer, box=part.box)
        return centre

    async def find_all(self, whole: Image.Image) -> PhotoResult:
        """Return the answer with all dogs, the best first: it is the best one's, or the centre's if none was found."""
        centre = replace(self._centre, search="done")
        parts = await self._parts(whole)
        thresholds = centre.model.card.thresholds
        order = found.dogs_among([_reading(part.answer) for part in parts], thresholds.dog, thresholds.found)
        if not order:
            return with_centre_as_dog(centre)
        dogs = tuple(parts[index] for index in order)
        return replace(centre, answer=dogs[0].answer, box=dogs[0].box, dogs=dogs)

    async def _parts(self, whole: Image.Image, most: int | None = None) -> list[FoundDog]:
        """Return the likeliest parts, each with its answer."""
        seen = await asyncio.to_thread(view_to_search, whole)
        boxes = await self._client.locate(seen.tobytes(), *seen.size, target=self._target, deadline=self._deadline)
        asked = [self._ask(whole, box) for box in boxes[:most]]
        return [FoundDog(*one) for one in zip(boxes, await asyncio.gather(*asked), strict=False)]

    async def _ask(self, whole: Image.Image, box: Box) -> Answer:
        size = self._centre.model.card.input_size
        pixels = await asyncio.to_thread(cut, whole, box, size)
        return await self._client.predict(
            pixels.tobytes(), size, explain=self._explain, target=self._target, deadline=self._deadline
        )


def _reading(answer: Answer) -> found.Reading:
    return found.Reading(answer.breeds[0], answer.probabilities[0], answer.dog_probability, answer.found_probability)
