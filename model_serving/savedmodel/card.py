"""The model card: labels, input and figures of a version, so that no client keeps a list of labels of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from model_serving.photos import Geometry
from model_serving.subject import DOGS, Subject

# What `arithmetic` may say.
FLOAT32, INT8 = "float32", "int8"
# Where a version has the card that `describe` answers once more: to list versions must not take their graphs.
CARD_FILE = "assets.extra/model_card.json"
# And where it has the file for browsers and phones.
ON_DEVICE_FILE = "assets.extra/on_device.tflite"
# A photo below this probability of showing any dog is called "not a dog". With the starter 99.7 % of 2,000 photos of
# dogs have more (99.6 % at an input of 260 pixels), none of 41 photos of other things, and 12 % of 384 photos of cats:
# the sum over ImageNet's dogs is far from 1, as its labels are smoothed.
DOG_THRESHOLD = 0.15
# An answer below this probability is called "not sure".
SURE_THRESHOLD = 0.5
# A photo that looks stranger than all but this share of the model's own is perhaps of a class that it was never taught.
FAMILIAR_THRESHOLD = 0.05
# A part of a photo that `locate` found is a dog from this `found_probability` on. The part was chosen as it looks like
# a dog, so `dog_probability` tells little more. At the classifier's temperature, one class of dogs that is clearly the
# first counts for more than many with a little each.
FOUND_THRESHOLD = 0.8


@dataclass(frozen=True)
class Thresholds:
    """Values from which on a photo counts as a dog, an answer as sure, and what it shows as one of the classes."""

    dog: float = DOG_THRESHOLD
    found: float = FOUND_THRESHOLD
    sure: float = SURE_THRESHOLD
    familiar: float = FAMILIAR_THRESHOLD


@dataclass(frozen=True)
class Familiarity:
    """Scores of photos of the model's own classes, as `familiarity.py` computes them.

    `quantiles` go from the least to the greatest score in even shares; without any, the photos were too few to tell.
    `shown_classes` are those of ImageNet's classes that such photos show, by index, with their weights 0..1; without
    its classifier there are none.
    """

    quantiles: tuple[float, ...] = ()
    shown_classes: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Familiarity:
        """Return what a JSON object of the fields says, whose keys are text."""
        shown = {int(index): weight for index, weight in values["shown_classes"].items()}
        return cls(tuple(values["quantiles"]), shown)


@dataclass(frozen=True)
class ModelCard:
    """The card that `describe` returns; `breeds` stand in the order of the output `probabilities`.

    `head` is "imagenet" (ImageNet's own classifier, cut to its dogs) or "trained". `training` and `test` hold the
    figures of a trained head, accuracies in 0..1. `calibration` says on how many photos, and which, temperature,
    thresholds and familiarity were fitted, with the calibration error before and after; None if they are the defaults.
    `subject` says what the classes are, and `groups` has the group of each class whose folder lay in another's.
    `locates` says whether the version has the signature `locate`, for which the backbone must know dogs.
    `data_fingerprint` names the photos it was trained on. `arithmetic` is that of the graph which answers, "float32" or
    "int8", and `int8` says whether the version has a graph in int8, and by which figures, or why not; None if it was
    not asked for. `on_device` says the same of the file for browsers and phones: "kept", "why_not", the figures of the
    comparison and the photos that it was "judged_on", and of a file that is there "file" (its place in the version's
    folder), "bytes", "sha256" and "input" (side in pixels); None in versions of older releases.
    """

    head: str
    backbone: str
    input_size: int
    crop: float
    breeds: tuple[str, ...]
    detects_dogs: bool
    subject: Subject = DOGS
    groups: Mapping[str, str] = field(default_factory=dict)
    name: str = "dog_breed"
    temperature: float = 1.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    familiarity: Familiarity = field(default_factory=Familiarity)
    locates: bool = False
    calibration: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    data_fingerprint: str | None = None
    arithmetic: str = FLOAT32
    int8: dict[str, Any] | None = None
    on_device: dict[str, Any] | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))

    @property
    def geometry(self) -> Geometry:
        """The part of a photo that the model sees."""
        return Geometry(self.input_size, self.crop)

    def to_json(self) -> str:
        """Return the card as the JSON object that clients read."""
        return json.dumps(self.to_values(), ensure_ascii=False)

    def to_values(self) -> dict[str, Any]:
        """Return the card as a JSON object's values."""
        return dataclasses.asdict(self) | {"subject": self.subject.to_values()}

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelCard:
        """Return the card that `to_json` wrote."""
        values = json.loads(text)
        values["breeds"] = tuple(values["breeds"])
        values["thresholds"] = Thresholds(**values["thresholds"])
        if "familiarity" in values:  # cards of older releases are without it
            values["familiarity"] = Familiarity.from_values(values["familiarity"])
        if "subject" in values:  # those without one are of dogs
            values["subject"] = Subject.from_values(values["subject"])
        return cls(**values)
