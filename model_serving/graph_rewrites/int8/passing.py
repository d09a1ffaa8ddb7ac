"""Operations that do the same to integers as to the floats that these stand for."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, node_def_pb2

from model_serving.graph_rewrites.int8.ranges import LEVELS
from model_serving.graph_rewrites.network import Attributes, Network

_SHAPING = ("ConcatV2", "Pad")
_POOLS = {"MaxPool": "QuantizedMaxPool", "AvgPool": "QuantizedAvgPool"}
_LIMITS = ("Maximum", "Minimum")


def pass_integers(network: Network) -> None:
    """f(dequantize(q)) = dequantize(f(q)), where f joins tensors of one range, pads with 0, pools, or limits.

    Means are rounded, and so are limits. Only for unsigned integers.
    """
    while sum(_pass(network, node) for node in network.of_type(*_SHAPING, *_POOLS, *_LIMITS)):
        pass  # what has become integers may be read by the next


def _pass(network: Network, node: node_def_pb2.NodeDef) -> bool:
    """Have `node` work on integers, and dequantise behind it; tell whether it does."""
    last = -1 if node.op in _SHAPING else 1
    sources = [network.nodes[name] for name in node.input[:last]]
    if any(source.op != "Dequantize" or source.attr["T"].type != tf.quint8 for source in sources):
        return False
    ends = [[float(network.value(source, end)) for end in (1, 2)] for source in sources]
    if any(other != ends[0] for other in ends):
        return False
    first, integers = sources[0], [source.input[0] for source in sources]
    if node.op in _LIMITS:
        limit = network.constant(node, 1)
        if limit is None:
            return False
        passed = _limit(network, node, integers[0], np.round(limit * (LEVELS / ends[0][1])))
    elif node.op in _POOLS:
        attributes = {name: node.attr[name] for name in ("ksize", "strides", "padding")} | _types(T=tf.quint8)
        passed = network.put(f"{node.name}/int8", _POOLS[node.op], [*integers, *first.input[1:]], attributes)
    else:
        attributes = dict(node.attr) | _types(T=tf.quint8)
        passed = network.put(f"{node.name}/int8", node.op, [*integers, node.input[-1]], attributes)
    network.put(node.name, "Dequantize", [passed, *first.input[1:]], dict(first.attr))
    return True


def _limit(network: Network, node: node_def_pb2.NodeDef, integers: str, limit: np.ndarray) -> str:
    """Compare as plain bytes, for which alone there are such ops."""
    name, inputs = node.name, [integers]
    inputs = [network.put(f"{name}/bytes", "Bitcast", inputs, _types(T=tf.quint8, type=tf.uint8))]
    inputs.append(network.add_constant(f"{name}/limit_of_bytes", limit.clip(0, LEVELS).astype(np.uint8)))
    limited = network.put(f"{name}/limited", node.op, inputs, _types(T=tf.uint8))
    return network.put(f"{name}/int8", "Bitcast", [limited], _types(T=tf.uint8, type=tf.quint8))


def _types(**types: tf.DType) -> Attributes:
    return {name: attr_value_pb2.AttrValue(type=kind.as_datatype_enum) for name, kind in types.items()}
