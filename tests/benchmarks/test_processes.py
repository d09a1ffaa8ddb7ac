"""Processes that a benchmark starts end with it: a survivor would slow down the next measurement."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import running

LIMIT_SECONDS = 60


def test_running_ends_all_that_the_command_started(tmp_path: Path) -> None:
    """A process that the command leaves behind ends with the block, too."""
    noted = tmp_path / "pid"
    with running(["sh", "-c", f"sleep 600 & echo $! > {noted}.new && mv {noted}.new {noted}; wait"]):
        _wait_until(noted.exists)
        child = int(noted.read_text())
        assert _is_alive(child)
    _wait_until(lambda: not _is_alive(child))


def test_running_accepts_a_command_that_has_ended() -> None:
    """A command that ended by itself, and was waited for, is no error."""
    with running(["true"]) as process:
        process.wait(LIMIT_SECONDS)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # One that has ended may still wait for its new parent to take note.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
