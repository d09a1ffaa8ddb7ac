"""A process that may not use all CPUs does not start threads for all."""

from __future__ import annotations

import os
import subprocess
import sys

from local_server.cpus import usable_cpus

PRINT_DEFAULTS = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from local_server.config.batching import BatchingParameters
from local_server.flags import Options
print(Options().grpc_max_threads, Options().rest_api_num_threads, BatchingParameters().num_batch_threads)
"""


def test_usable_cpus_are_those_of_this_process():
    """What `taskset` or a container leaves counts, not the machine."""
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
