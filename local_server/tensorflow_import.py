"""Quiet import of TensorFlow: no notes on CPU features and missing GPUs, which look like errors to a newcomer."""

from __future__ import annotations

import logging
import os

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def import_tensorflow_quietly() -> None:
    """Import TensorFlow with stderr closed, and keep its log to fatal errors; `TF_CPP_MIN_LOG_LEVEL=0` shows all."""
    if os.environ.setdefault(LOG_LEVEL, "3") in ("0", "1"):
        return
    # The variable does not reach what is written before the logging of the C++ side is set up.
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        import tensorflow as tf

        tf.get_logger().setLevel(logging.ERROR)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
