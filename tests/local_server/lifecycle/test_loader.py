"""No more is done at once than allowed."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from local_server.lifecycle.loader import Workers


@pytest.mark.parametrize(("limit", "together"), [(1, 1), (2, 2), (None, 3)])
def test_submit_runs_as_many_tasks_at_once_as_allowed(eventually, limit, together):
    """Three tasks that wait for each other's end run in waves of the limit, or all at once without one."""
    workers = Workers("test", limit)
    running, most, done = set(), [], []
    released = threading.Event()

    def task(number: int) -> None:
        running.add(number)
        most.append(len(running))
        released.wait(60)
        running.discard(number)
        done.append(number)

    for number in range(3):
        workers.submit(partial(task, number))
    eventually(lambda: len(running) == together)
    released.set()
    eventually(lambda: len(done) == 3)
    assert max(most) == together
