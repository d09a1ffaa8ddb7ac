"""Rewrites of a frozen network that keep its answers and take less time: one function each, in the order they run.

They are made at export and use stock ops only, so that whoever loads the SavedModel has the fast graph: TensorFlow
Serving honours no optimiser options that a SavedModel carries. What its own optimiser fuses at load (a convolution with
bias and ReLU, padding with the convolution behind it) is brought to the form that it knows, and left to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow.core.framework import graph_pb2

from model_serving.graph_rewrites.constants import fold_constants
from model_serving.graph_rewrites.convolutions import (
    fold_scales,
    multiply_matrices,
    name_biases,
    pool_first,
)
from model_serving.graph_rewrites.network import Network
from model_serving.graph_rewrites.normalization import fuse_normalizations

REWRITES = (fold_constants, fold_scales, name_biases, fuse_normalizations, pool_first, multiply_matrices)


def optimize(graph_def: graph_pb2.GraphDef, outputs: Sequence[str]) -> graph_pb2.GraphDef:
    """Return a frozen graph rewritten; nodes in `outputs`, and placeholders, keep their names and what they compute."""
    network = Network(graph_def, outputs)
    for rewrite in REWRITES:
        rewrite(network)
        network.prune()
    return network.to_graph_def()
