"""Adaptive limit on the photos in work at once, which learns the capacity of model server and machine."""

from __future__ import annotations

# What an answer in time adds to the limit, and a late one takes away. Their ratio is what the limit settles at: one
# photo in ten is late. Of a full round of photos, all late, the limit loses a fifth: an answer tells of the moment when
# its photo was taken in, and steps that were larger than that would overshoot.
RISE = 0.02
FALL = 9 * RISE
# The same before the first late answer: the limit doubles with each round, for nothing is known yet.
FIRST_RISE = 1.0


class ConcurrencyLimit:
    """A pure controller: it has no clock, and knows of photos what `observe` tells.

    It stays within `least` and `most`, and holds a photo to be late when it took more than `max_slowdown` times as long
    as it would have taken alone.
    """

    def __init__(self, least: int, most: int, max_slowdown: float) -> None:
        self._least, self._most = min(least, most), most
        self._max_slowdown = max_slowdown
        self._value = float(self._least)
        self._rise = FIRST_RISE

    @property
    def places(self) -> int:
        """Return the number of photos that may be in work."""
        return int(self._value)

    def observe(self, slowdown: float, in_work: int) -> None:
        """Learn from a photo that took `slowdown` times its unloaded time while `in_work` photos were in work."""
        if slowdown > self._max_slowdown:
            # When few are in work something else is slow, and fewer would not help.
            if 2 * in_work > self.places:
                self._value = max(self._least, self._value - FALL)
                self._rise = RISE
        elif in_work >= self.places:  # else more places would not be used, and nothing speaks for them
            self._value = min(self._most, self._value + self._rise)
