"""Typed answers of the gateway. Fields that a newer gateway adds are ignored."""

from __future__ import annotations

from collections.abc import Mapping
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
    """The model that answered."""

    name: str
    version: int


@dataclass(frozen=True)
class Prediction:
    """The model's answer for a photo: the likeliest breed, and the likeliest ones in order.

    `is_dog`, `dog_probability` and `familiarity` are None if the model cannot tell; `heatmap` has rows of 0..1 if asked
    for.
    """

    breed: str
    confidence: float
    is_dog: bool | None
    dog_probability: float | None
    predictions: list[BreedPrediction]
    model: ModelReference
    familiarity: float | None = None
    heatmap: list[list[float]] | None = None

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Prediction:
        """Read the gateway's reply; raises `KeyError` if it is none."""
        return cls(
            breed=reply["breed"],
            confidence=reply["confidence"],
            is_dog=reply["is_dog"],
            dog_probability=reply["dog_probability"],
            predictions=[BreedPrediction(one["breed"], one["confidence"]) for one in reply["predictions"]],
            model=ModelReference(reply["model"]["name"], reply["model"]["version"]),
            familiarity=reply.get("familiarity"),
            heatmap=reply.get("heatmap"),
        )


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
