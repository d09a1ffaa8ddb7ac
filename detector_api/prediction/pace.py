"""Pace of the queue: the mean time between two turns, from which a wait is foretold."""

from __future__ import annotations

# How much one turn counts at least: some photos take a hundred times as long as others, and a version that is loaded
# slows all down for a moment. Neither is to refuse photos that would be answered in time.
LAST_WEIGHT = 0.02
# Before so many turns nothing is foretold: the first photos also wait for the server to warm up.
LEAST_TURNS = 20


class Pace:
    """A mean over the times when photos wait; it has no clock of its own."""

    def __init__(self) -> None:
        self._mean_seconds = 0.0
        self._turns = 0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """Return the seconds from one turn to the next, 0 until they are known."""
        return self._mean_seconds if self._turns >= LEAST_TURNS else 0.0

    def begin(self, now: float) -> None:
        """Start the clock, for the first photo that waits."""
        self._since = now

    def turn(self, now: float, *, more_wait: bool) -> None:
        """Learn from a photo whose turn has come, and stop the clock unless more wait."""
        if self._since is not None:
            self._turns += 1
            self._mean_seconds += max(LAST_WEIGHT, 1 / self._turns) * (now - self._since - self._mean_seconds)
        self._since = now if more_wait else None
