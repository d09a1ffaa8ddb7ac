"""A frozen network in int8, by the public ops whose kernels TensorFlow's CPU build has from oneDNN.

TensorFlow Serving's x86 image has them too. They run where oneDNN is on (`TF_ENABLE_ONEDNN_OPTS=1`, or a CPU with
VNNI); elsewhere such a graph loads, and its first run fails with "Missing 0-th output".

A tensor is stored as x ≈ q · range / 127, signed, or q · range / 255 where a ReLU made it (`QuantizeV2`'s mode SCALED).
What is concatenated has a range for each channel (`levels.py`), and so has what pads, pools and normalises it, and what
is added (`residuals.py`).
Ranges are measured on photos (`calibration.py`); larger values saturate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites import rewritten
from model_serving.graph_rewrites.int8.convolutions import quantize_convolutions
from model_serving.graph_rewrites.int8.levels import use_levels
from model_serving.graph_rewrites.int8.passing import pass_integers
from model_serving.graph_rewrites.int8.ranges import ChannelRanges, Ranges
from model_serving.graph_rewrites.int8.residuals import use_residual_levels
from model_serving.graph_rewrites.int8.round_trips import drop_round_trips
from model_serving.graph_rewrites.int8.thresholds import use_thresholds
from model_serving.graph_rewrites.network import Network

Rewrite = Callable[[Network], None]


def in_levels(parts: Sequence[ChannelRanges], sums: Sequence[ChannelRanges]) -> tuple[Rewrite, ...]:
    """Return the rewrites that have tensors with a range for each channel in levels; see `Ranges`."""
    return partial(use_levels, ranges=parts), use_thresholds, partial(use_residual_levels, ranges=sums)


def quantize(graph_def: graph_pb2.GraphDef, output: str, ranges: Ranges) -> graph_pb2.GraphDef:
    """Return what `fold` returned with its convolutions in int8; its output and placeholders keep names and types."""
    in_integers = (partial(quantize_convolutions, ranges=ranges.layers), pass_integers, drop_round_trips)
    return rewritten(graph_def, [output], [*in_levels(ranges.parts, ranges.sums), *in_integers])
