"""Levels: integers from 0 to 255 with a range for each channel, which can be concatenated whatever their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, node_def_pb2

from model_serving.graph_rewrites.convolutions import constant_kernel
from model_serving.graph_rewrites.int8.ranges import LEVELS, ChannelRanges
from model_serving.graph_rewrites.network import Network

FLOAT32 = {"T": attr_value_pb2.AttrValue(type=tf.float32.as_datatype_enum)}
# What keeps levels what they are, of its first input.
_KEEPING = ("ConcatV2", "MaxPool", "AvgPool", "Pad", "Maximum", "Minimum")


@dataclass(frozen=True)
class Block:
    """A chain of concatenations: the parts that they join, and the normalisations that read any of them."""

    parts: tuple[node_def_pb2.NodeDef, ...]
    normalizations: tuple[node_def_pb2.NodeDef, ...]


def blocks(network: Network) -> Iterator[Block]:
    """Yield the blocks whose parts are convolutions, or are pooled of a convolution with a ReLU.

    All that reads parts and concatenations must be normalisations, which can take in each channel's range.
    """
    for last in network.of_type("ConcatV2"):
        if any(reader.op == "ConcatV2" for reader in network.readers(last)):
            continue
        joined, parts = {last.name}, {}
        waiting = [last]
        while waiting:
            for name in waiting.pop().input[:-1]:
                node = network.nodes[name]
                if node.op == "ConcatV2":
                    joined.add(name)
                    waiting.append(node)
                else:
                    parts[name] = node
        read = [network.nodes[name] for name in (*joined, *parts)]
        outside = {one.name: one for node in read for one in network.readers(node) if one.name not in joined}
        is_written = all(_written(network, part) is not None for part in parts.values())
        if is_written and all(_is_normalization(network, reader) for reader in outside.values()):
            yield Block(tuple(parts.values()), tuple(outside.values()))


def use_levels(network: Network, ranges: Sequence[ChannelRanges]) -> None:
    """concat(x₁, x₂) · s + b = concat(q₁, q₂) · (s · r/255) + (b + s · l), for x = q · r/255 + l of each channel.

    A part's convolution takes in what turns x into levels q, of which those below 0 and above 255 are cut. `ranges`
    has one for each part, in the order of `blocks`; raises `ValueError` if it has not.
    """
    found = list(blocks(network))
    parts = {part.name: part for block in found for part in block.parts}
    ranges_of = dict(zip(parts, ranges, strict=True))
    writers = [(node, ranges_of[name]) for name, part in parts.items() if (node := _written(network, part)) is not None]
    readers = [
        (normalization, network.readers(normalization)[0], _joined(network, normalization.input[0], ranges_of))
        for block in found
        for normalization in block.normalizations
    ]
    for normalization, bias_add, joined in readers:
        scale, offset = network.value(normalization, 1), network.value(bias_add, 1)
        network.add_constant(normalization.input[1], scale * joined.step.reshape(1, 1, -1, 1))
        network.add_constant(bias_add.input[1], offset + scale.reshape(-1) * joined.least)
    for written, part_ranges in writers:
        _write(network, written, part_ranges)


def are_levels(network: Network, tensor: str) -> bool:
    """Tell whether a tensor's values lie between 0 and 255, each channel's by its own range."""
    node = network.nodes[tensor]
    return node.op == "ClipByValue" or (node.op in _KEEPING and are_levels(network, node.input[0]))


def is_pointwise(network: Network, node: node_def_pb2.NodeDef) -> bool:
    """Tell whether a node has a constant 1x1 kernel and is read by a constant bias alone."""
    kernel, reader = constant_kernel(network, node), network.only_reader(node)
    if kernel is None or kernel.shape[:2] != (1, 1):
        return False
    return reader is not None and reader.op == "BiasAdd" and network.constant(reader, 1) is not None


def write_levels(
    network: Network,
    name: str,
    convolution: node_def_pb2.NodeDef,
    bias: np.ndarray,
    step: np.ndarray,
    summands: Sequence[str] = (),
) -> None:
    """Put (conv(x, k) + b) / step + summands, cut to 0 and 255, in place of the node called `name`."""
    kernel = network.add_constant(f"{name}/kernel_to_levels", network.value(convolution, 1) / step)
    offset = network.add_constant(f"{name}/bias_to_levels", bias / step)
    product = network.put(f"{name}/product", "Conv2D", [convolution.input[0], kernel], dict(convolution.attr))
    levels = network.put(f"{name}/biased", "BiasAdd", [product, offset], FLOAT32)
    if summands:
        levels = network.put(f"{name}/sum", "AddV2", [levels, *summands], FLOAT32)
    first = network.add_constant(f"{name}/first_level", np.array(0, np.float32))
    last = network.add_constant(f"{name}/last_level", np.array(LEVELS, np.float32))
    network.put(name, "ClipByValue", [levels, first, last], FLOAT32)


def _joined(network: Network, tensor: str, ranges_of: Mapping[str, ChannelRanges]) -> ChannelRanges:
    if tensor in ranges_of:
        return ranges_of[tensor]
    parts = [_joined(network, name, ranges_of) for name in network.nodes[tensor].input[:-1]]
    return ChannelRanges(np.concatenate([part.least for part in parts]), np.concatenate([part.most for part in parts]))


def _write(network: Network, written: node_def_pb2.NodeDef, ranges: ChannelRanges) -> None:
    """Have a bare convolution, or one with bias and ReLU, write levels."""
    convolution, bias = written, np.zeros_like(ranges.least)
    if written.op == "Relu":
        bias_add = network.producer(written, 0)
        convolution, bias = network.producer(bias_add, 0), network.value(bias_add, 1)
    write_levels(network, written.name, convolution, bias - ranges.least, ranges.step)


def _written(network: Network, part: node_def_pb2.NodeDef) -> node_def_pb2.NodeDef | None:
    """Return the convolution that is a part, or the ReLU behind the one that a part is pooled of; None for others."""
    if part.op == "Conv2D" and constant_kernel(network, part) is not None:
        return part
    rectifier = part
    while rectifier.op in ("MaxPool", "Pad"):
        rectifier = network.producer(rectifier, 0)
        if not network.is_used_once(rectifier):
            return None
    bias_add = network.producer(rectifier, 0) if rectifier.op == "Relu" else rectifier
    convolution = network.producer(bias_add, 0) if bias_add.op == "BiasAdd" else bias_add
    is_whole = rectifier.op == "Relu" and convolution.op == "Conv2D" and network.constant(bias_add, 1) is not None
    is_free = network.is_used_once(bias_add) and network.is_used_once(convolution)
    return rectifier if is_whole and is_free and constant_kernel(network, convolution) is not None else None


def _is_normalization(network: Network, node: node_def_pb2.NodeDef) -> bool:
    return node.op != "Conv2D" and is_pointwise(network, node) and set(node.attr["strides"].list.i) == {1}
