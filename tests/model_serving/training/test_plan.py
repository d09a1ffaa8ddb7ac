"""Plans of a training, as `train --dry-run` tells them."""

from typing import Any

import pytest

from model_serving.training import plan
from model_serving.training.head_options import HeadOptions


def test_head_seconds_count_what_is_done_once_for_each_head_and_not_for_each_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Heads that take two seconds and a tenth for each epoch are planned so, however long the first of all takes."""
    now, fitted = [0.0], []

    def fit_head(*_: Any, epochs: int) -> None:
        fitted.append(epochs)
        now[0] += 2 + 0.1 * epochs + (30 if len(fitted) == 1 else 0)

    monkeypatch.setattr(plan, "fit_head", fit_head)
    monkeypatch.setattr(plan.time, "monotonic", lambda: now[0])

    def planned(epochs: int) -> float:
        fitted.clear()
        return plan._head_seconds(10, 4, 2, HeadOptions(epochs=epochs))

    heads = planned(1) / (2 + 0.1)
    assert heads > 2  # the head, its refit, and those of the review
    assert planned(20) / heads == pytest.approx(2 + 0.1 * 20)
