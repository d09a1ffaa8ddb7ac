"""Temperature and thresholds."""

import numpy as np
import pytest

from model_serving.backbones import Classifier
from model_serving.breeds import IMAGENET_DOGS
from model_serving.savedmodel.card import DOG_THRESHOLD, SURE_THRESHOLD
from model_serving.training.calibration import (
    FEWEST_PHOTOS,
    SURE_PRECISION,
    calibrate,
    choose_dog,
    choose_sure,
    dog_probabilities,
    fit_temperature,
    softmax,
)


def answers(seed: int, count: int, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits that are `temperature` times too large for the labels they go with."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 5))
    labels = np.array([random.choice(5, p=row) for row in softmax(logits)])
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_fit_temperature_finds_how_much_is_claimed_too_much(temperature: float) -> None:
    """Logits that claim too much or too little are brought back to what the labels bear out."""
    assert fit_temperature(*answers(0, 5000, temperature)) == pytest.approx(temperature, rel=0.06)


def test_fit_temperature_where_all_is_right_leaves_room_for_doubt() -> None:
    """Few photos without a mistake do not make the model certain of everything."""
    labels = np.arange(60) % 5
    logits = 2.5 * np.eye(5)[labels]
    assert softmax(logits / fit_temperature(logits, labels)).max() < 0.999


def test_choose_sure_keeps_its_promise() -> None:
    """Of the answers above the threshold the promised share is right, and a lower one would break the promise."""
    logits, labels = answers(1, 5000)
    probabilities = softmax(logits)
    sure = choose_sure(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert right[confidence >= sure].mean() == pytest.approx(SURE_PRECISION, abs=0.01)
    assert right[confidence >= sure - 0.1].mean() < SURE_PRECISION


def test_choose_sure_of_a_guesser_is_never_low() -> None:
    """A model that is mostly wrong hardly ever says that it is sure."""
    logits, labels = answers(2, 500)
    assert choose_sure(softmax(logits), (labels + 1) % 5) == 0.9


def test_choose_dog_lets_dim_dogs_pass_and_tells_other_things() -> None:
    """Dogs that are hard to see lower the threshold within its range; photos of other things have none."""
    assert choose_dog(np.full(100, 0.9)) == DOG_THRESHOLD
    assert choose_dog(np.r_[np.full(98, 0.9), 0.12, 0.12]) == pytest.approx(0.12)
    assert choose_dog(np.r_[np.full(98, 0.9), 0.0, 0.0]) == 0.1
    assert choose_dog(np.full(100, 0.03)) is None


def test_calibrate_on_few_photos_keeps_the_defaults() -> None:
    """A handful of photos decides nothing."""
    logits, labels = answers(3, FEWEST_PHOTOS - 1, 4.0)
    calibration = calibrate(logits, labels, None)
    assert (calibration.temperature, calibration.thresholds.sure, calibration.photos) == (1.0, SURE_THRESHOLD, 0)
    assert (calibration.error_before, calibration.error_after) == (None, None)


def test_calibrate_brings_the_error_down() -> None:
    """An overconfident head is closer to the truth afterwards, on other photos than those it was calibrated on."""
    calibration = calibrate(*answers(4, 2000, 4.0), None)
    assert calibration.error_after is not None
    assert calibration.error_after < 0.3 * calibration.error_before
    assert not calibration.detects_dogs


@pytest.mark.parametrize(("shown", "detects"), [(IMAGENET_DOGS.start, True), (0, False)])
def test_calibrate_tells_whether_the_classes_are_dogs(shown: int, detects: bool) -> None:
    """A classifier of something other than dogs does not say "not a dog" of everything."""
    kernel = np.zeros((5, 1000), np.float32)
    kernel[:, shown] = 10
    features = np.ones((20, 5), np.float32)
    imagenet = Classifier(kernel, np.zeros(1000, np.float32))
    dogs = dog_probabilities(imagenet, features)
    assert calibrate(features[:0], np.empty(0, int), dogs).detects_dogs is detects
