"""Tasks of a page's main thread."""

import shutil
from collections.abc import Callable

from benchmarks.chromium import chromium_at
from benchmarks.tasks import Task, told, traced

LASTS = 120  # ms
BUSY = f"(() => {{ const end = performance.now() + {LASTS}; while (performance.now() < end); }})()"
TIMES = 15  # a browser that has just started takes a moment until its trace has the page, too


def test_trace_has_a_task_with_both_of_its_times(require: Callable[[object, str], None]) -> None:
    """A script that keeps the main thread is a task of at least its time on the clock, and of no more on the CPU."""
    require(shutil.which("chromium"), "Debian's chromium")
    with chromium_at("about:blank") as tab:
        with traced(tab) as tasks:
            for _ in range(TIMES):
                tab.evaluate(BUSY)
        longest = max(tasks, key=lambda task: task.clock)
    assert longest.clock >= LASTS
    assert 0 < longest.cpu <= longest.clock


def test_told_counts_by_cpu_and_by_clock() -> None:
    """A task that waited for a core is long by the clock alone."""
    said = told([Task(clock=80, cpu=20), Task(clock=70, cpu=60), Task(clock=50, cpu=50)])
    assert said == "1 tasks above 50 ms of CPU, the longest 60 ms; by the clock 2, the longest 80 ms"
