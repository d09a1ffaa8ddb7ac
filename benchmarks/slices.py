"""A slice of a measurement: a number of calls shared out among threads, not a time, so that none is cut off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence


def run_slice(callers: Sequence[Callable[[], object]], calls: int) -> tuple[float, list[float]]:
    """Make so many calls from a thread for each caller; return the seconds taken, and those of each call."""
    turns = iter(range(calls))
    lock = threading.Lock()
    times: list[float] = []
    errors: list[BaseException] = []

    def loop(call: Callable[[], object]) -> None:
        try:
            while True:
                with lock:
                    if next(turns, None) is None:
                        return
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=loop, args=(caller,)) for caller in callers]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.perf_counter() - start, times
