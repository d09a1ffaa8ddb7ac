"""Memory tuning of a process that serves photos: the memory of one photo is reused for the next."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# Parameters of mallopt (malloc.h), in bytes. Blocks up to the threshold come from memory that is free already: those of
# one photo are some hundred kilobytes each, and would otherwise be mapped in, page by page, for every photo. A larger
# block is mapped by itself, and returned to the system as soon as it is freed.
_M_MMAP_THRESHOLD, MMAP_THRESHOLD = -3, 1 << 20
# Free memory that each thread keeps before it returns some to the system.
_M_TRIM_THRESHOLD, TRIM_THRESHOLD = -1, 16 << 20


def tune_memory() -> None:
    """Tune glibc's allocator and the garbage collector; call it once, when all is loaded, before the first photo."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)
    # Modules and routes live as long as the process: collecting garbage among them costs time and finds none.
    gc.collect()
    gc.freeze()
