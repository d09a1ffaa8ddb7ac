"""Trace of an exported graph: the time that each kind of op takes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.saved_model.loader_impl import SavedModelLoader

ROUNDS = 7


def op_seconds(version: Path, tags: tuple[str, ...], pixels: np.ndarray) -> dict[str, float]:
    """Return the seconds of each kind of op for a batch of pixels on one thread, by the names of TensorFlow's kernels.

    Of the rounds the fastest counts.
    """
    config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    options = config_pb2.RunOptions(trace_level=config_pb2.RunOptions.FULL_TRACE)
    turns: list[dict[str, float]] = []
    with tf.compat.v1.Session(graph=tf.Graph(), config=config) as session:
        signature = SavedModelLoader(str(version)).load(session, list(tags)).signature_def["pixels"]
        outputs = [output.name for output in signature.outputs.values()]
        for _ in range(1 + ROUNDS):
            metadata = config_pb2.RunMetadata()
            session.run(outputs, {signature.inputs["pixels"].name: pixels}, options, metadata)
            turn: dict[str, float] = defaultdict(float)
            for device in metadata.step_stats.dev_stats:
                for node in device.node_stats:
                    kind = node.timeline_label.partition(" = ")[2].partition("(")[0] or node.node_name
                    turn[kind] += (node.op_end_rel_nanos - node.op_start_rel_nanos) / 1e9
            turns.append(turn)
    return min(turns[1:], key=lambda turn: sum(turn.values()))  # the first prepares
