"""The model card: labels, input and figures of a version, so that no client keeps a list of labels of its own."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from model_serving.photos import Geometry

# Where a version has the card that `describe` answers once more: to list versions must not take their graphs.
CARD_FILE = "assets.extra/model_card.json"
# A photo below this probability of showing any dog is called "not a dog". With the starter, 190 photos of dogs had 0.28
# or more and 40 of other things 0.06 or less: the sum over ImageNet's dogs is far from 1, as its labels are smoothed.
DOG_THRESHOLD = 0.2
# An answer below this probability is called "not sure".
SURE_THRESHOLD = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which on a photo counts as a dog, and an answer as sure."""

    dog: float = DOG_THRESHOLD
    sure: float = SURE_THRESHOLD


@dataclass(frozen=True)
class ModelCard:
    """The card that `describe` returns; `breeds` stand in the order of the output `probabilities`.

    `head` is "imagenet" (ImageNet's own classifier, cut to its dogs) or "trained". `training` and `test` hold the
    figures of a trained head, accuracies in 0..1. `data_fingerprint` names the photos it was trained on.
    """

    head: str
    backbone: str
    input_size: int
    crop: float
    breeds: tuple[str, ...]
    detects_dogs: bool
    name: str = "dog_breed"
    temperature: float = 1.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    training: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    data_fingerprint: str | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))

    @property
    def geometry(self) -> Geometry:
        """The part of a photo that the model sees."""
        return Geometry(self.input_size, self.crop)

    def to_json(self) -> str:
        """Return the card as the JSON object that clients read."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelCard:
        """Return the card that `to_json` wrote."""
        values = json.loads(text)
        values["breeds"] = tuple(values["breeds"])
        values["thresholds"] = Thresholds(**values["thresholds"])
        return cls(**values)
