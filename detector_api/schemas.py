"""JSON bodies of the gateway's answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from detector_api.http.problems import EXAMPLE_ID, Problem
from detector_api.prediction.search import Outcome, PhotoResult
from detector_api.serving.model_card import ModelCard, ModelVersion
from detector_api.serving.serving_client import Answer
from detector_api.serving.target import Label
from model_serving.photos.geometry import Box

# The model computes with 32-bit floats: six digits are what they hold.
Probability = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda value: round(value, 6))]


class BreedPrediction(BaseModel):
    """A class, such as a breed, with its probability."""

    breed: str
    confidence: Probability


class ModelReference(BaseModel):
    """The model that answered."""

    name: str
    version: int
    label: Label | None = Field(default=None, description="Where there is a canary: whether this is it.")


# Left, top, width, height.
Part = Annotated[list[Probability], Field(min_length=4, max_length=4)]


class DogReply(BaseModel):
    """A dog of a photo that was searched, and its breed."""

    box: Part = Field(description="Its part of the upright photo: left, top, width, height as fractions.")
    breed: str
    confidence: Probability
    dog_probability: Probability | None
    predictions: list[BreedPrediction]

    @classmethod
    def of(cls, answer: Answer, box: Box, model: ModelVersion, top_k: int) -> DogReply:
        """Return the answer for one part of a photo, with at most `top_k` breeds."""
        predictions = name_breeds(answer)
        return cls(
            box=to_part(box),
            breed=predictions[0].breed,
            confidence=predictions[0].confidence,
            dog_probability=answer.dog_probability if model.card.detects_dogs else None,
            predictions=predictions[:top_k],
        )


class PredictionReply(BaseModel):
    """The model's answer for a photo."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "breed": "Akita",
                "confidence": 0.93,
                "is_dog": True,
                "dog_probability": 0.99,
                "predictions": [
                    {"breed": "Akita", "confidence": 0.93},
                    {"breed": "Alaskan malamute", "confidence": 0.04},
                ],
                "model": {"name": "dog_breed", "version": 1},
                "familiarity": 0.62,
            }
        }
    )

    breed: str = Field(description="The likeliest class: a breed, where the model is of dogs.")
    confidence: Probability = Field(description="How likely the model holds it, 0..1.")
    is_dog: bool | None = Field(
        description="Whether there is a dog at all; null if the model cannot tell, or is not of dogs."
    )
    dog_probability: Probability | None = Field(description="How likely that is, 0..1; null where `is_dog` is.")
    predictions: list[BreedPrediction] = Field(description="The likeliest classes, in order.")
    model: ModelReference
    familiarity: Probability | None = Field(
        default=None,
        description="Of the photos of the model's own classes the share that looks stranger to it than this one, 0..1; "
        "below the card's `thresholds.familiar` this is perhaps of a class that it does not know. Missing if the model "
        "cannot tell.",
    )
    heatmap: list[list[float]] = Field(
        default=[],
        description="With `explain=true` only: where the likeliest class was seen, 0..1, in rows from the top of the "
        "square that the model sees (the photo's centre, or `box`).",
    )
    box: Part | None = Field(
        default=None,
        description="The part of the upright photo that was judged: left, top, width, height as fractions. Absent with "
        "`find=no`, and of a model that cannot search.",
    )
    search: Outcome | None = Field(
        default=None,
        description="Whether the whole photo was searched for dogs: `left_out` if the service was too busy for that, "
        "`unavailable` if the model cannot. Absent where `box` is.",
    )
    dogs: list[DogReply] | None = Field(
        default=None, description="With `find=all` only: every dog that was found, the best first."
    )

    @classmethod
    def of(cls, photo: PhotoResult, name: str, top_k: int) -> PredictionReply:
        """Return an answer in the words of the version's card, with at most `top_k` breeds."""
        answer, model = photo.answer, photo.model
        predictions = name_breeds(answer)
        dog_probability = answer.dog_probability if model.card.detects_dogs else None
        reply = cls(
            breed=predictions[0].breed,
            confidence=predictions[0].confidence,
            is_dog=None if dog_probability is None else dog_probability >= model.card.thresholds.dog,
            dog_probability=dog_probability,
            predictions=predictions[:top_k],
            model=ModelReference(name=name, version=answer.version),
        )
        if photo.label is not None:
            reply.model.label = photo.label
        if model.card.tells_familiarity:
            reply.familiarity = answer.familiarity
        if answer.heatmap is not None:
            reply.heatmap = [[round(value, 3) for value in row] for row in answer.heatmap]
        if photo.box is not None:
            reply.box, reply.search = to_part(photo.box), photo.search
        if photo.dogs is not None:
            reply.dogs = [DogReply.of(dog.answer, dog.box, model, top_k) for dog in photo.dogs]
        return reply


def name_breeds(answer: Answer) -> list[BreedPrediction]:
    """Return the breeds of an answer, the likeliest first."""
    named = zip(answer.breeds, answer.probabilities, strict=True)
    return [BreedPrediction(breed=breed, confidence=probability) for breed, probability in named]


def to_part(box: Box) -> list[float]:
    """Return a part of a photo as it is told."""
    return [round(value, 4) for value in (box.left, box.top, box.width, box.height)]


class PredictionLine(BaseModel):
    """The line of a photo that was answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "index": 0,
                "filename": "rex.jpg",
                "prediction": PredictionReply.model_config["json_schema_extra"]["example"],  # type: ignore[index]
            }
        }
    )

    index: int = Field(description="Which photo of the request this is, from 0.")
    filename: str = Field(description="As it was sent, without what is no text and of at most 255 characters.")
    prediction: PredictionReply


class ErrorLine(BaseModel):
    """The line of a photo that failed; without an index, the last line of a request that broke off."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "index": 1,
                "filename": "notes.jpg",
                "error": {
                    "code": "unsupported_type",
                    "title": "Unsupported Media Type",
                    "status": 415,
                    "detail": "This file is not a photo of a known type. Please send a JPEG, PNG or WebP.",
                    "request_id": EXAMPLE_ID,
                },
            }
        }
    )

    index: int | None = Field(description="Which photo of the request this is, from 0; null: the request as a whole.")
    filename: str | None = Field(description="As in the other lines; null: the request as a whole.")
    error: Problem


class DeviceFile(BaseModel):
    """The version's file for browsers and phones, in TensorFlow Lite's format."""

    url: str = Field(description="Where the page's host serves it, if it has the model's folder.")
    size: int = Field(alias="bytes", description="Its size.")
    sha256: str


class ModelReply(BaseModel):
    """The model that is served."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "dog_breed",
                "version": 1,
                "state": "AVAILABLE",
                "card": {
                    "input_size": 260,
                    "crop": 0.89,
                    "breeds": ["Akita", "Alaskan malamute"],
                    "detects_dogs": True,
                    "subject": {"one": "dog", "many": "dogs", "class": "breed"},
                    "thresholds": {"dog": 0.5, "sure": 0.7},
                },
                "feedback": False,
                "on_device": {
                    "url": "/models/dog_breed/1/on_device.tflite",
                    "bytes": 12816280,
                    "sha256": "9b74c9897bac770ffc029102a200c5de9c1a1f0d6d8b1e3b7c55d0a4f2e6b813",
                },
            }
        }
    )

    name: str
    version: int
    state: str = Field(description="As TensorFlow Serving names it.", examples=["AVAILABLE"])
    card: ModelCard
    feedback: bool = Field(description="Whether `/api/v1/feedback` keeps photos here.")
    on_device: DeviceFile | None = Field(description="null: this version has none.")


class FeedbackReply(BaseModel):
    """Confirmation that a photo is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "stored": True,
                "breed": "Akita",
                "id": "9b74c9897bac770ffc029102a200c5de9c1a1f0d6d8b1e3b7c55d0a4f2e6b813",
            }
        }
    )

    stored: bool
    breed: str = Field(description="Under which it is kept, as the model spells it.")
    id: str = Field(description="SHA-256 of the photo as it was sent, by which it can be found and removed.")


class Health(BaseModel):
    """Confirmation that all is well."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: str = Field(examples=["ok"])
