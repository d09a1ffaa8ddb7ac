"""Answers of another form of a model beside those in fp32, and how near they must be for a version to keep the form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

# Fewer agree by chance.
FEWEST_PHOTOS = 50


@dataclass(frozen=True)
class Limits:
    """Largest fall of top-1, least share of the same first breeds, and largest mean change of their probability."""

    fall: float
    agreement: float
    change: float


# Of a form that is to answer in the place of the graph in fp32.
NEAR = Limits(fall=0.005, agreement=0.985, change=0.02)


@dataclass(frozen=True)
class Comparison:
    """Answers of a form beside those in fp32, over a number of photos: top-1 of both, and as in `Limits`.

    Without the right breeds of the photos there is no top-1.
    """

    photos: int
    top1_float32: float | None
    top1: float | None
    agreement: float
    change: float

    def figures(self) -> dict[str, float]:
        """Return the figures that there are, rounded for a card."""
        return {name: round(value, 4) for name, value in asdict(self).items() if value is not None}


def compare(float32: np.ndarray, other: np.ndarray, labels: np.ndarray | None) -> Comparison:
    """Return how a form's probabilities [N, breeds] compare with those in fp32, for the right breeds' indices [N]."""
    first, rows = float32.argmax(1), np.arange(len(float32))
    return Comparison(
        len(float32),
        None if labels is None else float((first == labels).mean()),
        None if labels is None else float((other.argmax(1) == labels).mean()),
        float((other.argmax(1) == first).mean()),
        float(np.abs(other[rows, first] - float32[rows, first]).mean()),
    )


def reasons(comparison: Comparison, limits: Limits) -> Iterator[str]:
    """Yield in words each limit that is not kept; what is no number keeps none."""
    fall = (comparison.top1_float32 or 0) - (comparison.top1 or 0)
    if not fall <= limits.fall:
        yield f"top-1 falls by {fall:.1%}, more than {limits.fall:.1%}"
    if not comparison.agreement >= limits.agreement:
        yield f"the first breed agrees on {comparison.agreement:.1%}, less than {limits.agreement:.1%}"
    if not comparison.change <= limits.change:
        yield f"the first probability changes by {comparison.change:.3f}, more than {limits.change:.3f}"
