"""Geometry of photos: the part that a model sees, parts of a photo, and the size of a shrunk photo."""

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

    def part(self, photo_size: tuple[int, int]) -> Box:
        """Return the square seen in a photo of this width and height as a part of it."""
        width, height = photo_size
        left, top, right, bottom = self.box(width, height)
        return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


@dataclass(frozen=True)
class Box:
    """A part of the upright photo, as fractions of its width and height."""

    left: float
    top: float
    width: float
    height: float

    def square(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the part's central square in a photo of `width` x `height`, in pixels."""
        left, top = self.left * width, self.top * height
        part = Geometry(1, 1.0).box(self.width * width, self.height * height)
        edges = (left + part[0], top + part[1], left + part[2], top + part[3])
        limits = (width, height, width, height)
        return tuple(min(max(edge, 0.0), limit) for edge, limit in zip(edges, limits, strict=True))  # type: ignore[return-value]


def shrunk_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Return the width and height of a photo of `size` when no side is above `long_side`, each a pixel at least."""
    scale = min(1.0, long_side / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height
