"""Calibrations on record for ImageNet heads."""

import pytest

from model_serving.backbones import registered_backbone
from model_serving.breeds import IMAGENET_BREEDS
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.familiarity import QUANTILES
from model_serving.savedmodel.imagenet_calibrations import calibrated

STARTER = registered_backbone("efficientnet_lite2")


@pytest.mark.parametrize("size", [STARTER.geometry.size, STARTER.trained_size])
def test_calibrated_takes_the_numbers_of_this_size(size: int) -> None:
    """The starter is calibrated at its best size and at that for small photos, with what it was fitted on."""
    card = calibrated(ModelCard("imagenet", "efficientnet_lite2", size, 1.0, IMAGENET_BREEDS, True))
    assert 0.3 < card.temperature < 0.8
    assert card.calibration["photos"] > 1000
    assert card.calibration["error_after"] < 0.02 < card.calibration["error_before"]
    assert len(card.familiarity.quantiles) == QUANTILES
    assert list(card.familiarity.quantiles) == sorted(card.familiarity.quantiles)


def test_calibrated_leaves_others_as_they_are() -> None:
    """A size or a backbone without a calibration keeps the defaults, and says so by having none."""
    for backbone, size in (("efficientnet_lite2", 96), ("densenet201", 224)):
        card = ModelCard("imagenet", backbone, size, 1.0, IMAGENET_BREEDS, True)
        assert calibrated(card) is card
        assert card.calibration is None
