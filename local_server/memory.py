"""Giving memory back to the operating system."""

from __future__ import annotations

import contextlib
import ctypes


def release_freed_memory() -> None:
    """Give back what is free already: loading a model frees much of what it took, and the C library keeps that.

    Only glibc has the call; elsewhere nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
