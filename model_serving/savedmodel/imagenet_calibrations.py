"""Calibrations of ImageNet heads, for machines that have no photos to calibrate by.

`imagenet_calibrations.json` has one for a backbone and an input size, with the photos it was fitted to. To make one:
`dog-breed export --size SIZE`, then `dog-breed calibrate PHOTOS`; these fields are in the new version's
`assets.extra/model_card.json`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

from model_serving.savedmodel.card import Familiarity, ModelCard, Thresholds


def calibrated(card: ModelCard) -> ModelCard:
    """Return the card of an ImageNet head with the calibration on record, or as it is if there is none."""
    on_record = json.loads(files(__package__).joinpath("imagenet_calibrations.json").read_text(encoding="utf-8"))
    values = on_record.get(card.backbone, {}).get(str(card.input_size))
    if values is None:
        return card
    return replace(
        card,
        temperature=values["temperature"],
        thresholds=Thresholds(**values["thresholds"]),
        familiarity=Familiarity(tuple(values["familiarity"]["quantiles"]), card.familiarity.shown_classes),
        calibration=values["calibration"],
    )
