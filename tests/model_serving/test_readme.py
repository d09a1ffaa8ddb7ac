"""Statements of the trainer's README hold."""

from __future__ import annotations

import re
from pathlib import Path

from dog_breed.command import build_parser
from model_serving.backbones import registered_backbone
from model_serving.report.findings import MOST_CONFUSIONS, MOST_MISTAKES, PHOTOS_OF_A_PAIR
from model_serving.report.page import MOST_SHOWN
from model_serving.savedmodel.card import DOG_THRESHOLD, FAMILIAR_THRESHOLD, ModelCard
from model_serving.savedmodel.imagenet_calibrations import calibrated
from model_serving.subject import Subject
from model_serving.training.calibration import DOG_RECALL, FEWEST_PHOTOS, SURE_PRECISION

README = Path(__file__).parents[2] / "model_serving" / "README.md"
TEXT = README.read_text()


def test_readme_options_are_accepted() -> None:
    """Every option of `train` that it names exists, with the value it shows."""
    options = re.findall(r"`(--(?:start|balance|epochs)[^`]*)`", TEXT)
    options += re.findall(r"(?m)^\.venv/bin/dog-breed train CATS (.*)", TEXT)
    assert len(set(options)) >= 5
    for option in options:
        Subject.parse(build_parser().parse_args(["train", "PHOTOS", *option.split()]).subject)


def test_readme_numbers_are_those_of_the_code() -> None:
    """The limits it states are the ones that hold."""
    assert f"fewer than {FEWEST_PHOTOS} validation photos" in TEXT
    assert f"{SURE_PRECISION:.0%}".replace("%", " %") in TEXT
    assert f"at most {MOST_CONFUSIONS * (PHOTOS_OF_A_PAIR + 1) + MOST_MISTAKES} small photos" in TEXT
    assert f"The page shows the first {MOST_SHOWN};" in TEXT


def test_readme_states_the_calibration_on_record() -> None:
    """The starter's size, temperature and errors are those that it is exported with."""
    starter = registered_backbone("efficientnet_lite2")
    card = calibrated(ModelCard("imagenet", "efficientnet_lite2", starter.geometry.size, 1.0, (), True))
    assert f"{starter.geometry.size} pixels for\nthe starter, which was trained at {starter.trained_size}" in TEXT
    assert f"temperature of {card.temperature:.2f} comes from {card.calibration['photos']:,}" in TEXT
    errors = [card.calibration[f"error_{when}"] for when in ("before", "after")]
    assert "is {:.3f} without and {:.3f} with it".format(*errors) in TEXT
    assert f"where {DOG_RECALL:.1%} of the training".replace("%", " %") in TEXT
    assert f"at most {DOG_THRESHOLD:.0%}".replace("%", " %") in TEXT
    assert f"Below {FAMILIAR_THRESHOLD}" in TEXT


def test_readme_files_are_there() -> None:
    """Every file that it links to or shows exists, and every benchmark that it names."""
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (README.parent / target).exists(), target
    for module in re.findall(r"benchmarks\.(\w+)", TEXT):
        assert (README.parents[1] / "benchmarks" / f"{module}.py").is_file(), module
