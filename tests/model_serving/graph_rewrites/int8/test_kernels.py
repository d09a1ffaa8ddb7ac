"""Trial of whether this machine has kernels for int8."""

from __future__ import annotations

import os
import subprocess
import sys


def test_kernels_are_asked_for_by_a_run() -> None:
    """With oneDNN switched off there are no kernels, whatever the CPU, and with it on there are, as on this one."""
    code = "from model_serving.graph_rewrites.int8 import kernels; print(kernels.run_here())"
    for switch, answer in (("0", "False"), ("1", "True")):
        environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": switch}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == answer
