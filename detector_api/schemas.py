"""What the gateway answers, as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from detector_api.serving.model_card import Model, ModelCard
from detector_api.serving.serving_client import Answer

# The model computes with 32-bit floats: six digits are what they hold.
Probability = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda value: round(value, 6))]


class BreedPrediction(BaseModel):
    """A breed, and how likely the model holds it."""

    breed: str
    confidence: Probability


class ModelReference(BaseModel):
    """Which model answered."""

    name: str
    version: int


class PredictionReply(BaseModel):
    """What the model sees in a photo."""

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
            }
        }
    )

    breed: str = Field(description="The likeliest breed.")
    confidence: Probability = Field(description="How likely the model holds it, 0..1.")
    is_dog: bool | None = Field(description="Whether there is a dog at all; null if the model cannot tell.")
    dog_probability: Probability | None = Field(description="How likely that is, 0..1; null if the model cannot tell.")
    predictions: list[BreedPrediction] = Field(description="The likeliest breeds, in order.")
    model: ModelReference
    heatmap: list[list[float]] = Field(
        default=[],
        description="With `explain=true` only: where the breed was seen, 0..1, in rows from the top of the square that "
        "the model sees (the photo's centre).",
    )

    @classmethod
    def of(cls, answer: Answer, model: Model, name: str, top_k: int) -> PredictionReply:
        """Word an answer by the card of the version that gave it, with at most `top_k` breeds."""
        predictions = [
            BreedPrediction(breed=breed, confidence=probability)
            for breed, probability in zip(answer.breeds, answer.probabilities, strict=True)
        ]
        dog_probability = answer.dog_probability if model.card.detects_dogs else None
        reply = cls(
            breed=predictions[0].breed,
            confidence=predictions[0].confidence,
            is_dog=None if dog_probability is None else dog_probability >= model.card.thresholds.dog,
            dog_probability=dog_probability,
            predictions=predictions[:top_k],
            model=ModelReference(name=name, version=answer.version),
        )
        if answer.heatmap is not None:
            reply.heatmap = [[round(value, 3) for value in row] for row in answer.heatmap]
        return reply


class ModelReply(BaseModel):
    """The model that is served."""

    name: str
    version: int
    state: str = Field(description="As TensorFlow Serving names it.", examples=["AVAILABLE"])
    card: ModelCard


class Health(BaseModel):
    """That all is well."""

    status: str = Field(examples=["ok"])
