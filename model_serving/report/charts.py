"""The report's two charts, as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Sequence

from model_serving.report.findings import ReliabilityBin

WIDTH, HEIGHT = 320, 240
_LEFT, _TOP, _RIGHT, _BOTTOM = 40, 12, 20, 36


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Return a bar for each bin of confidence, as high as the share that was right; on the diagonal all is well."""
    bars = []
    for one in bins:
        left, right, top = _x(one.low) + 1, _x(one.high) - 1, _y(one.accuracy)
        bars.append(
            f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{_y(0) - top:.1f}">'
            f"<title>confidence {one.low:.0%} to {one.high:.0%}: {one.photos} photos, {one.accuracy:.0%} right</title>"
            "</rect>"
        )
    diagonal = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    ticks = [(_x(share), f"{share:.0%}") for share in (0, 0.5, 1)]
    return _frame("confidence", ticks, "share right", [*bars, diagonal])


def learning_curves(curves: dict[str, Sequence[float]]) -> str:
    """Return a line for each of the named accuracies by epoch, 0..1."""
    epochs = max(len(values) for values in curves.values())
    step = 1 / max(epochs - 1, 1)
    lines = []
    for number, (name, values) in enumerate(curves.items()):
        points = " ".join(f"{_x(epoch * step):.1f},{_y(value):.1f}" for epoch, value in enumerate(values))
        lines.append(f'<polyline class="curve curve{number}" points="{points}"/>')
        lines.append(f'<text class="curve{number}" x="{_x(1) - 4}" y="{_y(0) - 8 - 16 * number}">{name}</text>')
    return _frame("epoch", [(_x(0), "1"), (_x(1), str(epochs))], "accuracy", lines)


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _frame(x_title: str, x_ticks: Sequence[tuple[float, str]], y_title: str, content: Sequence[str]) -> str:
    grid = []
    for share in (0, 0.5, 1):
        grid.append(f'<line class="grid" x1="{_x(0)}" y1="{_y(share)}" x2="{_x(1)}" y2="{_y(share)}"/>')
        grid.append(f'<text class="tick" x="{_LEFT - 6}" y="{_y(share) + 4}" text-anchor="end">{share:.0%}</text>')
    grid += [f'<text class="tick" x="{x}" y="{_y(0) + 15}" text-anchor="middle">{text}</text>' for x, text in x_ticks]
    grid.append(f'<text class="tick" x="{_x(0.5)}" y="{HEIGHT - 6}" text-anchor="middle">{x_title}</text>')
    label = f"{y_title} by {x_title}"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join([*grid, *content])}</svg>'
