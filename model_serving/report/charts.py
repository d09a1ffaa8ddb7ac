"""Charts of the report, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from model_serving.metrics import wilson_interval
from model_serving.report.data_review import SamplePoint
from model_serving.report.findings import ReliabilityBin

WIDTH, HEIGHT = 320, 240
_LEFT, _TOP, _RIGHT = 40, 12, 20
_BOTTOM_Y = HEIGHT - 36


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Return a bar for each bin of confidence, as high as the share that was right; on the diagonal all is well.

    A line across the top of each is the interval that holds the true share 95 times in 100: it is long for few photos.
    """
    place = _Axis(0, 1)
    bars = []
    for one in bins:
        left, right, top = _x(one.low) + 1, _x(one.high) - 1, place.y(one.accuracy)
        middle = (left + right) / 2
        low, high = wilson_interval(one.accuracy, one.photos)
        bars.append(
            f'<g><rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{place.y(0) - top:.1f}"/><line class="interval" x1="{middle:.1f}" y1="{place.y(low):.1f}" '
            f'x2="{middle:.1f}" y2="{place.y(high):.1f}"/>'
            f"<title>confidence {one.low:.0%} to {one.high:.0%}: {one.photos} photos, {one.accuracy:.0%} right</title>"
            "</g>"
        )
    diagonal = f'<line class="ideal" x1="{_x(0)}" y1="{place.y(0)}" x2="{_x(1)}" y2="{place.y(1)}"/>'
    ticks = [(_x(share), f"{share:.0%}") for share in (0, 0.5, 1)]
    return _frame("confidence", ticks, "share right", place, [*bars, diagonal])


def learning_curves(curves: dict[str, Sequence[float]], kept: int) -> str:
    """Return a line for each of the named accuracies by epoch, 0..1, and a mark at the epoch `kept`, counted from 0."""
    epochs = max(len(values) for values in curves.values())
    step = 1 / max(epochs - 1, 1)
    lowest = min(value for values in curves.values() for value in values)
    place = _Axis(min(math.floor(lowest * 10) / 10, 0.9), 1)  # what happens between 80 and 90 % is to be seen
    lines = [
        f'<line class="ideal" x1="{_x(kept * step):.1f}" y1="{_TOP}" x2="{_x(kept * step):.1f}" y2="{_BOTTOM_Y}"/>'
    ]
    for number, (name, values) in enumerate(curves.items()):
        points = " ".join(f"{_x(epoch * step):.1f},{place.y(value):.1f}" for epoch, value in enumerate(values))
        lines.append(f'<polyline class="curve curve{number}" points="{points}"/>')
        lines.append(f'<text class="curve{number}" x="{_x(1) - 4}" y="{_BOTTOM_Y - 8 - 16 * number}">{name}</text>')
    return _frame("epoch", [(_x(0), "1"), (_x(1), str(epochs))], "accuracy", place, lines)


def sample_curve(points: Sequence[SamplePoint], kind: str) -> str:
    """Return a line of accuracy by training photos a class, which is called a `kind`.

    A doubling of photos is everywhere as wide.
    """
    title = escape(f"training photos a {kind}")
    first, last = (math.log(point.photos_a_breed) for point in (points[0], points[-1]))
    span = max(last - first, 1e-9)
    place = _Axis(min(math.floor(min(point.accuracy for point in points) * 10) / 10, 0.9), 1)
    places = [(_x((math.log(point.photos_a_breed) - first) / span), place.y(point.accuracy)) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{point.photos_a_breed:.0f} {title}: '
        f"{point.accuracy:.1%}</title></circle>"
        for (x, y), point in zip(places, points, strict=True)
    ]
    ticks = [(x, f"{point.photos_a_breed:.0f}") for (x, _), point in zip(places, points, strict=True)]
    curve = f'<polyline class="curve curve0" points="{line}"/>'
    return _frame(title, ticks, "accuracy", place, [curve, *dots])


def confusion_picture(matrix: Sequence[Sequence[int]], breeds: Sequence[str], kinds: str) -> str:
    """Return a square for each class (row) and what it is taken for (column), the darker the larger its share.

    Classes are called `kinds`.
    """
    side = len(breeds)
    squares = []
    for row, counts in enumerate(matrix):
        photos = sum(counts)
        for column, count in enumerate(counts):
            if count:
                kind = "right" if row == column else "wrong"
                title = escape(f"{breeds[row]} taken for {breeds[column]}: {count} of {photos}")
                squares.append(
                    f'<rect class="{kind}" x="{column}" y="{row}" width="1" height="1" '
                    f'fill-opacity="{0.15 + 0.85 * count / photos:.2f}"><title>{title}</title></rect>'
                )
    label = f"{escape(kinds)} by what they are taken for"
    frame = f'<rect class="frame" width="{side}" height="{side}"/>'
    return f'<svg viewBox="0 0 {side} {side}" role="img" aria-label="{label}">{frame}{"".join(squares)}</svg>'


@dataclass(frozen=True)
class _Axis:
    """Values at the bottom and the top of a chart, 0..1."""

    low: float
    high: float

    def y(self, share: float) -> float:
        return _BOTTOM_Y - (share - self.low) / (self.high - self.low) * (_BOTTOM_Y - _TOP)


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _frame(
    x_title: str, x_ticks: Sequence[tuple[float, str]], y_title: str, axis: _Axis, content: Sequence[str]
) -> str:
    grid = []
    for share in (axis.low, (axis.low + axis.high) / 2, axis.high):
        y = axis.y(share)
        grid.append(f'<line class="grid" x1="{_x(0)}" y1="{y}" x2="{_x(1)}" y2="{y}"/>')
        grid.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{share:.0%}</text>')
    grid += [
        f'<text class="tick" x="{x}" y="{_BOTTOM_Y + 15}" text-anchor="middle">{text}</text>' for x, text in x_ticks
    ]
    grid.append(f'<text class="tick" x="{_x(0.5)}" y="{HEIGHT - 6}" text-anchor="middle">{x_title}</text>')
    label = f"{y_title} by {x_title}"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join([*grid, *content])}</svg>'
