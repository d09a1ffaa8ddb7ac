"""Convolutions in int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, node_def_pb2

from model_serving.graph_rewrites.convolutions import constant_kernel
from model_serving.graph_rewrites.int8.levels import are_levels
from model_serving.graph_rewrites.int8.ranges import (
    LEVELS,
    Int8Weights,
    LayerRange,
    round_depthwise,
    round_weights,
)
from model_serving.graph_rewrites.network import Attributes, Network

# Levels are cut at 0, which is all that a ReLU does.
_RECTIFIED = ("Relu", "Relu6", "ClipByValue")


@dataclass(frozen=True)
class Layer:
    """A convolution with its bias and perhaps a ReLU: the nodes, the last of which, `output`, others read.

    `summand` is the tensor in levels that is added before these are cut, if there is one.
    """

    convolution: node_def_pb2.NodeDef
    kernel: np.ndarray
    bias: np.ndarray
    output: node_def_pb2.NodeDef
    input_name: str
    input_is_rectified: bool
    summand: str | None = None

    @property
    def is_rectified(self) -> bool:
        """Tell whether the output has no negative values."""
        return self.output.op in _RECTIFIED

    @property
    def is_depthwise(self) -> bool:
        """Tell whether each channel is filtered by itself."""
        return self.convolution.op != "Conv2D"

    @property
    def weights(self) -> Int8Weights:
        """The kernel in integers."""
        if self.is_depthwise:
            return round_depthwise(self.kernel)
        return round_weights(self.kernel, is_unsigned=self.input_is_rectified)


def layers(network: Network) -> Iterator[Layer]:
    """Yield the convolutions that int8 has kernels for: with bias, not dilated; depthwise ones between two ReLUs.

    A depthwise one that reads levels is the normalisation at the end of a network, whose features are floats.
    """
    shapes = network.shapes()
    for bias_add in network.of_type("BiasAdd"):
        convolution, bias = network.producer(bias_add, 0), network.constant(bias_add, 1)
        kernel = constant_kernel(network, convolution)
        if kernel is None or bias is None or set(convolution.attr["dilations"].list.i) - {1}:
            continue
        if convolution.attr["padding"].s == b"EXPLICIT" or not network.is_used_once(convolution):
            continue
        if convolution.op == "Conv2D" and shapes[convolution.input[0]][-1] != kernel.shape[2]:
            continue  # grouped
        output, summand = _output(network, bias_add)
        source = network.producer(convolution, 0)
        reads_levels = are_levels(network, source.name)
        is_unsigned = source.op in _RECTIFIED or reads_levels
        layer = Layer(convolution, kernel, bias, output, convolution.input[0], is_unsigned, summand)
        if not layer.is_depthwise or (layer.is_rectified and is_unsigned and not reads_levels):
            yield layer


def _output(network: Network, bias_add: node_def_pb2.NodeDef) -> tuple[node_def_pb2.NodeDef, str | None]:
    """Return the last node of a layer, and the levels that it adds to its own, if it does."""
    reader, summand = network.only_reader(bias_add), None
    if reader is not None and reader.op == "AddV2":
        (summand,) = [name for name in reader.input if name != bias_add.name]
        reader = network.only_reader(reader)
        if reader is None or reader.op != "ClipByValue":
            return bias_add, None
    return (reader, summand) if reader is not None and reader.op in _RECTIFIED else (bias_add, None)


def quantize_convolutions(network: Network, ranges: Sequence[LayerRange]) -> None:
    """conv(x, k) + b ≈ r/127 · round(127/r · (sx · sk · conv(qx, qk) + b)), cut to the ends of the range r.

    qx and qk are integers, sx · qx ≈ x, sk · qk ≈ k with sk of each channel. A ReLU is the range's lower end, and a
    ReLU6 its upper. Input and output are quantised and dequantised by nodes of their own, which keep the names of what
    they stand for. `ranges` has one for each layer, in the order of `layers`; raises `ValueError` if it has not.
    """
    for layer, layer_range in zip(list(layers(network)), ranges, strict=True):
        _quantize(network, layer, layer_range)


def _quantize(network: Network, layer: Layer, layer_range: LayerRange) -> None:
    name, out = layer.convolution.name, layer.output.name
    read = _ends(network, layer.input_name, layer_range.read, layer.input_is_rectified)
    written = _ends(network, out, layer_range.written, layer.is_rectified)
    quantized = _quantized(network, f"{name}/input", layer.input_name, read, layer.input_is_rectified)
    weights = layer.weights
    bias = layer.bias + np.array(layer_range.correction, np.float32) if layer_range.correction else layer.bias
    inputs = [
        quantized,
        network.add_constant(f"{name}/integers", weights.integers.view(tf.qint8.as_numpy_dtype)),
        network.add_constant(f"{name}/bias", bias),
        *read,
        network.add_constant(f"{name}/least_weights", -weights.largest),
        network.add_constant(f"{name}/largest_weights", weights.largest),
        *written,
    ]
    attributes = {
        "Tinput": _type(layer.input_is_rectified),
        "Tfilter": _type(False),
        "Tbias": attr_value_pb2.AttrValue(type=tf.float32.as_datatype_enum),
        "out_type": _type(layer.is_rectified),
        "strides": layer.convolution.attr["strides"],
        "padding": layer.convolution.attr["padding"],
    }
    depthwise, relu = "Depthwise" if layer.is_depthwise else "", "AndRelu" if layer.is_rectified else ""
    if layer.summand is not None:
        relu = f"Sum{relu}"
        ends = _ends(network, layer.summand, LEVELS, True)
        inputs += [_quantized(network, f"{name}/summand", layer.summand, ends, True), *ends]
        attributes["Tsummand"] = _type(True)
    op = f"Quantized{depthwise}Conv2DWithBias{relu}AndRequantize"
    computed = network.put(f"{name}/int8", op, inputs, attributes)
    if layer_range.gain != 1:
        written = _ends(network, f"{out}/mended", layer_range.written * layer_range.gain, layer.is_rectified)
    network.put(out, "Dequantize", [computed, *written], _scaled(layer.is_rectified))


def _quantized(network: Network, name: str, source: str, ends: tuple[str, str], is_rectified: bool) -> str:
    # oneDNN's kernel rounds so. Without `narrow_range` it takes 127.5 for the end of signed integers, where all others
    # take 127.
    rounding = {
        "round_mode": attr_value_pb2.AttrValue(s=b"HALF_TO_EVEN"),
        "narrow_range": attr_value_pb2.AttrValue(b=not is_rectified),
    }
    return network.put(name, "QuantizeV2", [source, *ends], _scaled(is_rectified) | rounding)


def _ends(network: Network, tensor: str, largest: float, is_rectified: bool) -> tuple[str, str]:
    """Return the names of constants with the least and the largest value that a tensor's integers stand for."""
    least = 0.0 if is_rectified else -largest
    return (
        network.add_constant(f"{tensor}/least", np.array(least, np.float32)),
        network.add_constant(f"{tensor}/most", np.array(largest, np.float32)),
    )


def _scaled(is_rectified: bool) -> Attributes:
    return {"T": _type(is_rectified), "mode": attr_value_pb2.AttrValue(s=b"SCALED")}


def _type(is_rectified: bool) -> attr_value_pb2.AttrValue:
    return attr_value_pb2.AttrValue(type=(tf.quint8 if is_rectified else tf.qint8).as_datatype_enum)
