"""Import of TensorFlow with oneDNN's kernels, and quiet: notes on CPU features look like errors to a newcomer."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# TensorFlow uses oneDNN's kernels by itself only on CPUs with VNNI. On others graphs in int8 need it set, and batches
# in fp32 gain by it, though a single input may not: weights that are variables are put in order anew at each call.
# `benchmarks/README.md` has ratios. 0 turns it off. TensorFlow reads it when it is imported.
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
X86 = ("x86_64", "AMD64")


def import_tensorflow_quietly() -> None:
    """Import TensorFlow with stderr closed, and keep its log to fatal errors; `TF_CPP_MIN_LOG_LEVEL=0` shows all."""
    if platform.machine() in X86:
        os.environ.setdefault(ONEDNN, "1")
    if os.environ.setdefault(LOG_LEVEL, "3") in ("0", "1"):
        return
    # The variable does not reach what is written before the logging of the C++ side is set up.
    with closed_stderr():
        import tensorflow as tf

        tf.get_logger().setLevel(logging.ERROR)


@contextmanager
def closed_stderr() -> Iterator[None]:
    """Drop what is written to stderr meanwhile, by C++ too."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
