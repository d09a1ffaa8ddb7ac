"""Typed answers of the gateway. Fields that a newer gateway adds are ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from detector_api.client.errors import DetectorError


@dataclass(frozen=True)
class BreedPrediction:
    """A breed, and how likely the model holds it, 0..1."""

    breed: str
    confidence: float


@dataclass(frozen=True)
class ModelReference:
    """The model that answered; `label` is `stable` or `canary` where there is a canary."""

    name: str
    version: int
    label: str | None = None


@dataclass(frozen=True)
class Dog:
    """A dog that was found in a photo; `box` is its part of it: left, top, width, height as fractions."""

    box: tuple[float, float, float, float]
    breed: str
    confidence: float
    dog_probability: float | None
    predictions: list[BreedPrediction]

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Dog:
        """Read one dog of the gateway's reply; raises `KeyError` if it is none."""
        return cls(
            box=_box(reply["box"]),
            breed=reply["breed"],
            confidence=reply["confidence"],
            dog_probability=reply["dog_probability"],
            predictions=_breeds(reply),
        )


@dataclass(frozen=True)
class Prediction:
    """The model's answer for a photo: the likeliest breed, and the likeliest ones in order.

    `is_dog`, `dog_probability` and `familiarity` are None if the model cannot tell; `heatmap` has rows of 0..1 if asked
    for.
    `box` is the part that was judged and `search` what became of the search for dogs, None if the model cannot search;
    `dogs` are all that were found, if they were asked for.
    """

    breed: str
    confidence: float
    is_dog: bool | None
    dog_probability: float | None
    predictions: list[BreedPrediction]
    model: ModelReference
    familiarity: float | None = None
    heatmap: list[list[float]] | None = None
    box: tuple[float, float, float, float] | None = None
    search: str | None = None
    dogs: list[Dog] | None = None

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Prediction:
        """Read the gateway's reply; raises `KeyError` if it is none."""
        return cls(
            breed=reply["breed"],
            confidence=reply["confidence"],
            is_dog=reply["is_dog"],
            dog_probability=reply["dog_probability"],
            predictions=_breeds(reply),
            model=ModelReference(reply["model"]["name"], reply["model"]["version"], reply["model"].get("label")),
            familiarity=reply.get("familiarity"),
            heatmap=reply.get("heatmap"),
            box=_box(reply["box"]) if reply.get("box") else None,
            search=reply.get("search"),
            dogs=[Dog.of(dog) for dog in reply["dogs"]] if reply.get("dogs") is not None else None,
        )


def _breeds(reply: Mapping[str, Any]) -> list[BreedPrediction]:
    return [BreedPrediction(one["breed"], one["confidence"]) for one in reply["predictions"]]


def _box(edges: Iterable[float]) -> tuple[float, float, float, float]:
    left, top, width, height = edges
    return left, top, width, height


@dataclass(frozen=True)
class PhotoAnswer:
    """One of many photos: its place among them, from 0, and either a prediction or why there is none."""

    index: int
    prediction: Prediction | None = None
    error: DetectorError | None = None


@dataclass(frozen=True)
class Model:
    """The model that is served; `card` is what it says of itself: breeds, thresholds, figures.

    `feedback` tells whether the gateway keeps photos for the next training, from those who agree to it.
    """

    name: str
    version: int
    state: str
    card: dict[str, Any]
    feedback: bool

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Model:
        """Read the gateway's reply; raises `KeyError` if it is none."""
        return cls(reply["name"], reply["version"], reply["state"], reply["card"], reply["feedback"])
