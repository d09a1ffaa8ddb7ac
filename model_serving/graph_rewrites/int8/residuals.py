"""Residual sums in levels, which a convolution adds to its own product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tensorflow.core.framework import node_def_pb2

from model_serving.graph_rewrites.int8.levels import is_pointwise, write_levels
from model_serving.graph_rewrites.int8.ranges import ChannelRanges
from model_serving.graph_rewrites.network import Network


@dataclass(frozen=True)
class Chain:
    """Tensors of which each is the one before plus a projection, and the 1x1 convolutions that read any of them.

    A projection is a 1x1 convolution with bias, which nothing else reads; the first tensor is one itself.
    """

    tensors: tuple[node_def_pb2.NodeDef, ...]
    readers: tuple[node_def_pb2.NodeDef, ...]


def chains(network: Network) -> Iterator[Chain]:
    """Yield the chains that only 1x1 convolutions with bias read, which can take in each channel's range."""
    for first in network.of_type("BiasAdd"):
        if not _is_projection(network, first) or _is_added(network, first):
            continue
        tensors: list[node_def_pb2.NodeDef] = []
        following: list[node_def_pb2.NodeDef] = [first]
        while len(following) == 1:
            tensors += following
            following = [sum_ for sum_ in network.readers(tensors[-1]) if _adds_projection(network, sum_, tensors[-1])]
        names = {tensor.name for tensor in tensors}
        outside = {one.name: one for tensor in tensors for one in network.readers(tensor) if one.name not in names}
        if names.isdisjoint(network.outputs) and all(
            _is_pointwise_convolution(network, reader) for reader in outside.values()
        ):
            yield Chain(tuple(tensors), tuple(outside.values()))


def use_residual_levels(network: Network, ranges: Sequence[ChannelRanges]) -> None:
    """conv(x, k) + b + y = l + s · (conv(x, k/s) + b/s + q), for y = l + s · q of each channel.

    All tensors of a chain have one range for each channel: l and s. `ranges` has one for each chain, in the order of
    `chains`; raises `ValueError` if it has not.
    """
    for chain, shared in zip(list(chains(network)), ranges, strict=True):
        for reader in chain.readers:
            bias_add = network.readers(reader)[0]
            kernel, bias = network.value(reader, 1), network.value(bias_add, 1)
            scaled = kernel * shared.step.reshape(1, 1, -1, 1)
            reader.input[1] = network.add_constant(f"{reader.name}/of_levels", scaled)
            moved = bias + shared.least @ kernel[0, 0]
            bias_add.input[1] = network.add_constant(f"{bias_add.name}/of_levels", moved.astype(np.float32))
        for tensor in chain.tensors:
            _write(network, tensor, shared)


def _write(network: Network, tensor: node_def_pb2.NodeDef, shared: ChannelRanges) -> None:
    projection, before = tensor, []
    if tensor.op == "AddV2":
        projection = _projection(network, tensor)
        before = [name for name in tensor.input if name != projection.name]
    convolution, bias = network.producer(projection, 0), network.value(projection, 1)
    offset = bias if before else bias - shared.least
    write_levels(network, tensor.name, convolution, offset, shared.step, before)


def _adds_projection(network: Network, node: node_def_pb2.NodeDef, tensor: node_def_pb2.NodeDef) -> bool:
    others = [name for name in node.input if name != tensor.name]
    return node.op == "AddV2" and len(others) == 1 and _is_projection(network, network.nodes[others[0]])


def _projection(network: Network, sum_: node_def_pb2.NodeDef) -> node_def_pb2.NodeDef:
    """Return the projection that a sum of a chain adds: what comes before has become levels."""
    return next(node for place in (0, 1) if (node := network.producer(sum_, place)).op == "BiasAdd")


def _is_added(network: Network, projection: node_def_pb2.NodeDef) -> bool:
    reader = network.only_reader(projection)
    return reader is not None and reader.op == "AddV2"


def _is_projection(network: Network, node: node_def_pb2.NodeDef) -> bool:
    if node.op != "BiasAdd" or network.constant(node, 1) is None:
        return False
    return _is_pointwise_convolution(network, network.producer(node, 0))


def _is_pointwise_convolution(network: Network, node: node_def_pb2.NodeDef) -> bool:
    return node.op == "Conv2D" and is_pointwise(network, node)
