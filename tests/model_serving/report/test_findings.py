"""The findings count what they say they count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_serving.report.findings import Confusion, Mistake, ReliabilityBin, analyse_answers

BREEDS = ("Akita", "Beagle", "Collie")
PHOTOS = [Path(f"{number}.jpg") for number in range(5)]
PROBABILITIES = np.array(
    [[0.9, 0.05, 0.05], [0.15, 0.8, 0.05], [0.35, 0.6, 0.05], [0.06, 0.92, 0.02], [0.1, 0.15, 0.75]]
)
LABELS = np.array([0, 0, 0, 1, 1])  # two of three Akitas are taken for Beagles, one of two Beagles for a Collie


def test_find_counts_by_breed_from_the_hardest_on() -> None:
    """Recall is over the photos of a breed, precision over the answers that name it."""
    first, second = analyse_answers(PROBABILITIES, LABELS, PHOTOS, BREEDS).breeds
    assert (first.breed, first.photos, first.recall, first.precision) == ("Akita", 3, pytest.approx(1 / 3), 1.0)
    assert (second.breed, second.photos, second.recall, second.precision) == ("Beagle", 2, 0.5, pytest.approx(1 / 3))
    assert first.recall_interval[0] < 1 / 3 < first.recall_interval[1]


def test_find_ranks_confusions_by_how_often() -> None:
    """The most frequent pair stands first, with its photos from the surest on, and one of what they were taken for."""
    assert analyse_answers(PROBABILITIES, LABELS, PHOTOS, BREEDS).confusions == [
        Confusion("Akita", "Beagle", 2, [PHOTOS[1], PHOTOS[2]], like=PHOTOS[3]),
        Confusion("Beagle", "Collie", 1, [PHOTOS[4]], like=None),
    ]


def test_find_ranks_mistakes_by_confidence() -> None:
    """The surest mistake stands first, with what the right breed had."""
    mistakes = analyse_answers(PROBABILITIES, LABELS, PHOTOS, BREEDS).mistakes
    assert mistakes[0] == Mistake(PHOTOS[1], "Akita", "Beagle", 0.8, 0.15)
    assert [mistake.photo for mistake in mistakes] == [PHOTOS[1], PHOTOS[4], PHOTOS[2]]


def test_find_gathers_answers_by_confidence() -> None:
    """A bin tells how many answers it holds, how confident they were and how many were right."""
    reliability = analyse_answers(PROBABILITIES, LABELS, PHOTOS, BREEDS).reliability
    assert [(one.low, one.photos, one.accuracy) for one in reliability] == [
        (0.6, 1, 0.0),
        (0.7, 1, 0.0),
        (0.8, 1, 0.0),
        (0.9, 2, 1.0),
    ]
    assert reliability[-1] == ReliabilityBin(0.9, 1.0, 2, pytest.approx(0.91), 1.0)


def test_find_of_right_answers_has_no_mistakes() -> None:
    """A faultless data set has nothing to list."""
    findings = analyse_answers(np.eye(3), np.arange(3), PHOTOS[:3], BREEDS)
    assert (findings.confusions, findings.mistakes) == ([], [])
