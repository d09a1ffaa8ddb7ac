"""A trainer that is killed hurts nothing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.kills import kill


def test_kill_trainer_hurts_nothing(tmp_path: Path) -> None:
    """Killed twice (kill -9), it leaves every version whole, and then ends as if it had not been."""
    assert kill(times=2, seed=3, work=tmp_path).total() == 2
