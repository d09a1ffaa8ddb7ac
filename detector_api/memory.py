"""The memory of a process that serves photos: what one has used is there for the next."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# glibc's names for them (malloc.h), and values in bytes. Blocks up to the first are taken from what is free already:
# those of one photo are some hundred kilobytes each, and would else be mapped in, page by page, for every photo anew. A
# block above it is mapped by itself, and given back at once when it is freed.
_M_MMAP_THRESHOLD, MMAP_THRESHOLD = -3, 1 << 20
# So much may be free in each thread before it is given back.
_M_TRIM_THRESHOLD, TRIM_THRESHOLD = -1, 16 << 20


def settle_memory() -> None:
    """Call it once, when all is loaded and before the first photo. Only glibc's allocator can be told anything."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)
    # Modules and routes live as long as the process: to look through them for garbage costs time and finds none.
    gc.collect()
    gc.freeze()
