"""Geometry of a model's input: the part of a photo that it sees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Geometry:
    """The central square of a photo, of `crop` times its short side, resized to `size` pixels."""

    size: int
    crop: float

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the square seen in a photo of `width` x `height`, in pixels."""
        side = min(width, height) * self.crop
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side
