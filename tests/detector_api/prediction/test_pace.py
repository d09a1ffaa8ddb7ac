"""Pace of the queue: what it takes to be known, and what changes it."""

from __future__ import annotations

import pytest

from detector_api.prediction.pace import LEAST_TURNS, Pace


def test_seconds_are_known_after_some_turns() -> None:
    """Nothing is foretold from the first few photos, which wait for the server to warm up."""
    pace = Pace()
    pace.begin(0.0)
    for number in range(1, LEAST_TURNS):
        pace.turn(number, more_wait=True)
    assert pace.seconds == 0.0
    pace.turn(LEAST_TURNS, more_wait=True)
    assert pace.seconds == pytest.approx(1.0)


def test_turn_does_not_count_the_time_when_none_waits() -> None:
    """A quiet hour between two busy times is no slow photo."""
    pace = Pace()
    for start in (0.0, 3600.0):
        pace.begin(start)
        for number in range(1, 51):
            pace.turn(start + number, more_wait=number < 50)
    assert pace.seconds == pytest.approx(1.0)


def test_turn_that_takes_long_changes_little() -> None:
    """A single photo of four seconds among those of a tenth does not double what is foretold."""
    pace = Pace()
    pace.begin(0.0)
    for number in range(1, 101):
        pace.turn(number / 10, more_wait=True)
    pace.turn(14.0, more_wait=True)
    assert 0.1 < pace.seconds < 0.2
