"""Progress line of long jobs."""

from __future__ import annotations

import sys

from tqdm import tqdm

# A terminal's line is redrawn many times a second; a log file gets a line now and then.
LOG_INTERVAL_SECONDS = 10.0


def progress(total: int, what: str, unit: str, done: int = 0) -> tqdm:
    """Return a progress line on stderr, titled `what`, with rate and time left; use it as a context manager.

    The unit "B" is shown in multiples: kB, MB.
    """
    interval = 0.1 if sys.stderr.isatty() else LOG_INTERVAL_SECONDS
    return tqdm(total=total, initial=done, desc=what, unit=unit, unit_scale=unit == "B", mininterval=interval)
