"""Calibrations of ImageNet heads, for machines that have no photos to calibrate by.

`imagenet_calibrations.json` has one for a backbone and an input size, with the photos it was fitted to. To make one:
`dog-breed export --size SIZE`, then `dog-breed calibrate PHOTOS`; these fields are in the new version's
`assets.extra/model_card.json`. Beside it stands how its answers in int8 compare with those in fp32, for the weights
whose hash is there and the ranges in `backbones/int8_ranges.json`: what `python -m benchmarks.int8 PHOTOS` prints.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

from model_serving.backbones.registry import nearest_size
from model_serving.savedmodel.card import Familiarity, ModelCard, Thresholds
from model_serving.savedmodel.comparison import Comparison


def calibrated(card: ModelCard) -> ModelCard:
    """Return the card of an ImageNet head with the calibration on record, or as it is if there is none."""
    values = _on_record(card)
    if values is None:
        return card
    return replace(
        card,
        temperature=values["temperature"],
        thresholds=Thresholds(**values["thresholds"]),
        familiarity=Familiarity(tuple(values["familiarity"]["quantiles"]), card.familiarity.shown_classes),
        calibration=values["calibration"],
    )


def classifier_temperature(card: ModelCard) -> float:
    """Return the temperature of ImageNet's classifier on the backbone of `card`: of the nearest size on record, or 1.

    It was fitted on dogs, for an ImageNet head. Under a trained head the classifier is the same.
    """
    sizes = _read().get(card.backbone, {})
    return float(sizes[nearest_size(sizes, card.input_size)]["temperature"]) if sizes else 1.0


def accuracy_on_record(card: ModelCard, weights: str) -> Comparison | None:
    """Return how an ImageNet head's answers in int8 compare with those in fp32, if that is on record.

    `weights` is the hash of the backbone's.
    """
    values = (_on_record(card) or {}).get("int8")
    return Comparison(**values["accuracy"]) if values and values["weights"] == weights else None


def _on_record(card: ModelCard) -> dict[str, Any] | None:
    return _read().get(card.backbone, {}).get(str(card.input_size))


def _read() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what is on record by backbone, and by input size as text."""
    records: dict[str, dict[str, dict[str, Any]]] = json.loads(
        files(__package__).joinpath("imagenet_calibrations.json").read_text(encoding="utf-8")
    )
    return records
