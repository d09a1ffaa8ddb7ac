"""Which part of a photo a model sees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Geometry:
    """What a model sees of a photo: the central square of `crop` times the short side, resized to `size` pixels."""

    size: int
    crop: float

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the square seen in a photo of `width` x `height`, in pixels."""
        side = min(width, height) * self.crop
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side
