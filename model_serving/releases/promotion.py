"""Promotion of a new version: it takes the live one's place unless it is worse on the same test photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_serving.data.dataset import LabelledPhoto
from model_serving.errors import DatasetError
from model_serving.releases.labels import follow_live
from model_serving.releases.shelf import live_version, promote
from model_serving.savedmodel.tags import FLOAT32_TAGS
from model_serving.savedmodel.versions import version_path
from model_serving.training.evaluate import evaluate

Promotion = Literal["better", "always", "never"]


@dataclass(frozen=True)
class Comparison:
    """Accuracies of the new and of the live version on the same photos, 0..1."""

    new: float
    live: float
    live_version: int

    def __str__(self) -> str:
        return (
            f"{self.new:.1%} of the test photos right, against {self.live:.1%} of version {self.live_version}, live now"
        )


def promote_unless_worse(
    model: Path, new: int, top1: float | None, photos: Sequence[LabelledPhoto], promotion: Promotion
) -> None:
    """Promote version `new`, or leave it on the shelf; print the decision and its reason.

    With "better" it is left only if its accuracy `top1` on the test photos is below the live version's.
    """
    comparison = compare_with_live(model, top1, photos) if promotion == "better" else None
    if comparison:
        print(comparison)
    if promotion == "never" or (comparison and comparison.new < comparison.live):
        print(f"version {new} is on the shelf; `dog-breed promote {new}` makes it the live one")
    else:
        promote(model, new)
        follow_live(model)
        print(f"version {new} is live")


def compare_with_live(model: Path, top1: float | None, photos: Sequence[LabelledPhoto]) -> Comparison | None:
    """Return an accuracy on `photos` beside the live version's; None without a live one or without test photos.

    A breed that the live version does not know is one that it names wrong. Both are judged by their graphs in fp32, by
    which `train` measures a new one.
    """
    live = live_version(model)
    if live is None or top1 is None:
        return None
    try:
        evaluation = evaluate(version_path(model, live), photos, FLOAT32_TAGS)
    except DatasetError:  # it knows none of these breeds
        return Comparison(top1, 0.0, live)
    right = evaluation.metrics.top1 * evaluation.metrics.photos
    return Comparison(top1, right / (len(photos) - len(evaluation.skipped)), live)
