"""The CPUs that this process may run on."""

from __future__ import annotations

import os


def usable_cpus() -> int:
    """Return how many CPUs there are for this process, which may have been given fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
