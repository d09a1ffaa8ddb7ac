"""Rewrites of a frozen network that keep its answers and take less time: one function each, in the order they run.

They are made at export and use stock ops only, so that whoever loads the SavedModel has the fast graph: TensorFlow
Serving honours no optimiser options that a SavedModel carries. What its own optimiser fuses at load (a convolution with
bias and ReLU, padding with the convolution behind it) is brought to the form that it knows, and left to it. Those in
`int8`, which round, begin where `fold` ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

FOLDING = (fold_constants, fold_scales, name_biases, fuse_normalizations, pool_first)


def optimize(graph_def: graph_pb2.GraphDef, outputs: Sequence[str]) -> graph_pb2.GraphDef:
    """Return a frozen graph rewritten; nodes in `outputs`, and placeholders, keep their names and what they compute."""
    return multiply(fold(graph_def, outputs), outputs)


def fold(graph_def: graph_pb2.GraphDef, outputs: Sequence[str]) -> graph_pb2.GraphDef:
    """Return a frozen graph with normalisations folded, and each convolution as such, with bias and ReLU behind it."""
    return rewritten(graph_def, outputs, FOLDING)


def multiply(graph_def: graph_pb2.GraphDef, outputs: Sequence[str]) -> graph_pb2.GraphDef:
    """Return what `fold` returned with convolutions as products of matrices, where that is faster."""
    return rewritten(graph_def, outputs, [multiply_matrices])


def rewritten(
    graph_def: graph_pb2.GraphDef, outputs: Sequence[str], rewrites: Sequence[Callable[[Network], None]]
) -> graph_pb2.GraphDef:
    """Return a frozen graph after these rewrites, with the nodes that `outputs` and the placeholders still need."""
    network = Network(graph_def, outputs)
    for rewrite in rewrites:
        rewrite(network)
        network.prune()
    return network.to_graph_def()
