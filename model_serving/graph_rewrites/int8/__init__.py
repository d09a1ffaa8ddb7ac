"""A frozen network in int8, by the public ops whose kernels TensorFlow's CPU build has from oneDNN.

TensorFlow Serving's x86 image has them too. They run where oneDNN is on (`TF_ENABLE_ONEDNN_OPTS=1`, or a CPU with
VNNI); elsewhere such a graph loads, and its first run fails with "Missing 0-th output".

A tensor is stored as x ≈ q · range / 127, signed, or q · range / 255 where a ReLU made it (`QuantizeV2`'s mode SCALED).
Ranges are measured on photos (`calibration.py`); larger values saturate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites import rewritten
from model_serving.graph_rewrites.int8.convolutions import quantize_convolutions
from model_serving.graph_rewrites.int8.ranges import LayerRange
from model_serving.graph_rewrites.int8.round_trips import drop_round_trips


def quantize(graph_def: graph_pb2.GraphDef, output: str, ranges: Sequence[LayerRange]) -> graph_pb2.GraphDef:
    """Return what `fold` returned with its convolutions in int8; its output and placeholders keep names and types."""
    return rewritten(graph_def, [output], [partial(quantize_convolutions, ranges=ranges), drop_round_trips])
