"""Memory that is free goes back to the operating system where that can be asked for."""

from __future__ import annotations

import ctypes
from pathlib import Path

from local_server import memory
from local_server.memory import release_freed_memory

BLOCK = 64 * 2**10
BLOCKS = 2_000


def resident_bytes():
    """Return this process's resident memory."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_release_freed_memory_shrinks_the_process(require):
    """Blocks freed below one that is still used are given back."""
    libc = ctypes.CDLL(None)
    require(hasattr(libc, "malloc_trim"), "glibc")
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:
        libc.free(block)
    before = resident_bytes()
    release_freed_memory()
    assert before - resident_bytes() > BLOCK * BLOCKS / 2
    libc.free(blocks[-1])


def test_release_freed_memory_without_glibc_does_nothing(monkeypatch):
    """A C library that lacks the call is no error."""
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    release_freed_memory()
