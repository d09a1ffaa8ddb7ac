"""Calibrations on record for ImageNet heads."""

import pytest

from model_serving.backbones import registered_backbone
from model_serving.breeds import IMAGENET_BREEDS
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.familiarity import QUANTILES
from model_serving.savedmodel.imagenet_calibrations import calibrated, classifier_temperature

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


@pytest.mark.parametrize(
    ("backbone", "size", "known_size"),
    [("efficientnet_lite2", 340, 340), ("efficientnet_lite2", 96, 260), ("densenet201", 224, None)],
)
def test_classifier_temperature_is_that_of_the_nearest_size(backbone: str, size: int, known_size: int | None) -> None:
    """A trained head takes the temperature on record for the size that is nearest to its own, or none."""

    def card(size: int, head: str) -> ModelCard:
        return ModelCard(head, backbone, size, 1.0, IMAGENET_BREEDS, True)

    expected = calibrated(card(known_size, "imagenet")).temperature if known_size else 1.0
    assert classifier_temperature(card(size, "trained")) == expected
