"""Tasks of a page's main thread, from a trace of Chromium: each with its time on the clock and on the CPU.

Where a model on the same machine takes all cores, the clock goes on while a task waits for one: then only the time on
the CPU tells what the page itself did (https://www.w3.org/TR/longtasks-1 counts by the clock, from 50 ms on).
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.chromium import Tab

LONG = 50  # ms
CATEGORY = "disabled-by-default-devtools.timeline"
PART = 1 << 20  # bytes of a trace that come at once


@dataclass(frozen=True)
class Task:
    """One task, in ms."""

    clock: float
    cpu: float


@contextmanager
def traced(tab: Tab) -> Iterator[list[Task]]:
    """Yield a list that has the tasks of the page's main thread once the block has ended."""
    tasks: list[Task] = []
    config = {"includedCategories": [CATEGORY], "excludedCategories": ["*"], "recordMode": "recordAsMuchAsPossible"}
    tab.send("Tracing.start", transferMode="ReturnAsStream", traceConfig=config)
    yield tasks
    tab.send("Tracing.end")
    done = tab.wait_for_event("Tracing.tracingComplete")
    if done["dataLossOccurred"]:
        raise RuntimeError("the trace is not whole")
    tasks += _tasks(json.loads(_stream(tab, done["stream"]))["traceEvents"])


def told(tasks: list[Task]) -> str:
    """Return how many tasks are long and how long the longest is, by CPU and by clock."""
    cpu, clock = ([value for value in times if value > LONG] for times in _times(tasks))
    longest_cpu, longest_clock = (max(times, default=0) for times in _times(tasks))
    return (
        f"{len(cpu)} tasks above {LONG} ms of CPU, the longest {longest_cpu:.0f} ms; "
        f"by the clock {len(clock)}, the longest {longest_clock:.0f} ms"
    )


def _times(tasks: list[Task]) -> tuple[list[float], list[float]]:
    return [task.cpu for task in tasks], [task.clock for task in tasks]


def _tasks(events: list[dict[str, object]]) -> list[Task]:
    """Return the tasks of the busiest renderer's main thread: another is in store for the next tab."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"] == {"name": "CrRendererMain"}
    }
    found = defaultdict(list)
    for event in events:
        thread = event["pid"], event["tid"]
        if event["name"] == "RunTask" and event["ph"] == "X" and thread in mains:
            found[thread].append(Task(float(str(event["dur"])) / 1000, float(str(event["tdur"])) / 1000))
    return max(found.values(), key=lambda tasks: sum(task.cpu for task in tasks))


def _stream(tab: Tab, handle: str) -> bytes:
    parts = []
    while True:
        part = tab.send("IO.read", handle=handle, size=PART)
        data = str(part["data"])
        parts.append(base64.b64decode(data) if part.get("base64Encoded") else data.encode())
        if part["eof"]:
            return b"".join(parts)
