"""Geometry of photos: the part that a model sees, and the size of a shrunk photo."""

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


def shrunk_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Return the width and height of a photo of `size` when no side is above `long_side`, each a pixel at least."""
    scale = min(1.0, long_side / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height
