"""Memory that one photo has used serves the next: real allocations, counted by the pages that the system maps in."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

# In a thread, as photos are decoded in one; settled or not, each in a process of its own.
CODE = """
import resource, sys, threading
from detector_api import memory

def faults_of_a_photo():
    def blocks(): return [bytearray(300_000) for _ in range(4)]  # freed together
    for _ in range(20): blocks()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(100): blocks()
    print((resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before) // 100)

def resident():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024

if sys.argv[1] == "settled":
    memory.tune_memory()
worker = threading.Thread(target=faults_of_a_photo)
worker.start()
worker.join()
large = bytearray(b"x") * (64 << 20)
held = resident()
del large
print(held - resident())
"""


def measure(kind: str) -> list[int]:
    """Return the page faults of a photo's blocks, and the bytes given back when a large block is freed."""
    run = subprocess.run([sys.executable, "-c", CODE, kind], capture_output=True, text=True, timeout=60, check=True)
    return [int(line) for line in run.stdout.split()]


def test_settle_memory_maps_the_blocks_of_a_photo_in_once(require: Any) -> None:
    """The next photo finds the memory of the one before; what a large one took is given back all the same."""
    require(hasattr(ctypes.CDLL(None), "mallopt"), "glibc")
    faults, _ = measure("as it is")
    settled_faults, given_back = measure("settled")
    assert faults > 100  # or there would be nothing to settle
    assert settled_faults < faults / 10
    assert given_back > 60 << 20
