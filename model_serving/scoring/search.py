"""Search of whole photos for dogs by a predictor, by the same rule as the gateway's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from model_serving.data.batches import to_array
from model_serving.photos import found
from model_serving.photos.geometry import Box
from model_serving.photos.parts import cut, view_to_search
from model_serving.photos.pool import DecodedPhoto, shared_pool
from model_serving.scoring.predictors import Predictor, Score


def score_searched(
    predictor: Predictor, decoded: Sequence[tuple[Path, DecodedPhoto | Exception]], find: found.Find
) -> list[tuple[Path, Score | Exception]]:
    """Return the score of each photo that was decoded with its whole, and the error of each that was not."""
    readable = [to_array(photo) for _, photo in decoded if isinstance(photo, DecodedPhoto)]
    centres = iter(predictor.score(np.stack(readable)) if readable else ())
    return [
        (path, search(predictor, next(centres), photo, find) if isinstance(photo, DecodedPhoto) else photo)
        for path, photo in decoded
    ]


def search(predictor: Predictor, centre: Score, photo: DecodedPhoto, find: found.Find) -> Score:
    """Return a photo's score, of its centre or of a better part, with `find="all"` with all dogs."""
    if find == "no":
        return centre
    thresholds = predictor.card.thresholds
    centre = replace(centre, box=predictor.card.geometry.part(photo.photo_size))
    if find == "auto" and not needs_search(predictor, centre):
        return centre
    assert photo.whole
    whole = shared_pool().finish(photo.whole)
    boxes = predictor.locate(np.asarray(view_to_search(whole)))
    if find == "auto":
        for part in read_parts(predictor, whole, boxes[:1]):
            if found.is_better(_reading(part), _reading(centre), thresholds.dog, thresholds.found):
                return part
        return centre
    parts = read_parts(predictor, whole, boxes)
    order = found.dogs_among([_reading(part) for part in parts], thresholds.dog, thresholds.found)
    dogs = tuple(parts[index] for index in order)
    if not dogs:
        return replace(centre, dogs=(centre,) if centre.is_dog else ())
    return replace(dogs[0], dogs=dogs)


def needs_search(predictor: Predictor, centre: Score) -> bool:
    """Return whether a photo with this score of its centre is searched by default."""
    thresholds = predictor.card.thresholds
    return found.needs_search(_reading(centre), thresholds.dog, thresholds.sure)


def read_parts(predictor: Predictor, whole: Image.Image, boxes: Sequence[Box]) -> list[Score]:
    """Return the score of each part of a photo."""
    if not boxes:
        return []
    pixels = np.stack([np.asarray(cut(whole, box, predictor.card.input_size)) for box in boxes])
    return [replace(score, box=box) for score, box in zip(predictor.score(pixels), boxes, strict=True)]


def _reading(score: Score) -> found.Reading:
    assert score.dog_probability is not None  # a version that locates knows dogs
    assert score.found_probability is not None
    return found.Reading(*score.predictions[0], score.dog_probability, score.found_probability)
