"""Folders that one process at a time works on; what a killed process held is free at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold `folder` against other processes until the block ends; yield whether it is held.

    It is not if another process holds it and `wait` is False, if there is no such folder, or if it lies on a file
    system that has no such locks, as some on the network: then all is as safe as single renames make it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(descriptor, wait)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
