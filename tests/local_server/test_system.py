"""The operating system is asked for what it gives this process, and gets back what is free."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from local_server import system
from local_server.system import release_freed_memory, usable_cpus

BLOCK = 64 * 2**10
BLOCKS = 2_000

PRINT_DEFAULTS = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from local_server.config.batching import BatchingParameters
from local_server.flags import Options
print(Options().grpc_max_threads, Options().rest_api_num_threads, BatchingParameters().num_batch_threads)
"""


def test_usable_cpus_are_those_of_this_process():
    """The CPUs that `taskset` or a container leaves count, not the machine's."""
    allowed = os.sched_getaffinity(0)
    assert usable_cpus() == len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_defaults_of_threads_follow_usable_cpus():
    """On one CPU each protocol has four threads, and batches one."""
    printed = subprocess.run([sys.executable, "-c", PRINT_DEFAULTS], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["4", "4", "1"]


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
    monkeypatch.setattr(system.ctypes, "CDLL", lambda name: object())
    release_freed_memory()
