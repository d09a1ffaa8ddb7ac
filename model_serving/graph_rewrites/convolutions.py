"""Rewrites that move operations behind a convolution into it or before it."""

from __future__ import annotations

import numpy as np
from tensorflow.core.framework import node_def_pb2

from model_serving.graph_rewrites.network import Network

# Where a kernel has its output channels: [h, w, in, out], and [h, w, channels, 1] of a depthwise convolution.
OUTPUT_CHANNELS = {"Conv2D": (1, 1, 1, -1), "DepthwiseConv2dNative": (1, 1, -1, 1)}


def fold_scales(network: Network) -> None:
    """conv(x, k) · s = conv(x, k · s), for a factor s per output channel, of either sign or zero.

    Not applied if something else reads the convolution.
    """
    for product in network.of_type("Mul"):
        convolution, scale = network.producer(product, 0), network.per_channel(product, 1)
        kernel = constant_kernel(network, convolution)
        if kernel is None or scale is None or scale.size != _channels(kernel, convolution):
            continue
        if network.is_used_once(convolution):
            scaled = kernel * scale.reshape(OUTPUT_CHANNELS[convolution.op])
            scaled_name = network.add_constant(f"{product.name}/kernel", scaled)
            network.put(product.name, convolution.op, [convolution.input[0], scaled_name], dict(convolution.attr))


def name_biases(network: Network) -> None:
    """conv(x, k) + b by the op of that name, `BiasAdd`, which TensorFlow runs inside the convolution, with any ReLU."""
    for addition in network.of_type("AddV2"):
        convolution, bias = network.producer(addition, 0), network.per_channel(addition, 1)
        kernel = constant_kernel(network, convolution)
        if kernel is not None and bias is not None and bias.size == _channels(kernel, convolution):
            bias_name = network.add_constant(f"{addition.name}/bias", bias)
            network.put(addition.name, "BiasAdd", [convolution.name, bias_name], {"T": addition.attr["T"]})


def pool_first(network: Network) -> None:
    """mean(conv(x, k)) = conv(mean(x), k) for a 1x1 kernel, since both are linear: four times less to multiply.

    Over a border the mean counts only what lies inside, so padding changes nothing. Not applied to wider or strided
    kernels, nor if something else reads the convolution.
    """
    for pool in network.of_type("AvgPool"):
        convolution = network.producer(pool, 0)
        kernel = constant_kernel(network, convolution)
        if kernel is not None and _is_pointwise(kernel, convolution) and network.is_used_once(convolution):
            features, kernel_name = convolution.input
            pooled = network.put(f"{pool.name}/first", "AvgPool", [features], dict(pool.attr))
            network.put(pool.name, "Conv2D", [pooled, kernel_name], dict(convolution.attr))


def multiply_matrices(network: Network) -> None:
    """conv(x, k) = x · k over all pixels for a 1x1 kernel, as one matrix product.

    The kernels are variables, and TensorFlow's convolution turns such a kernel into the layout it works on at every
    call, where a matrix product takes it as it is: for a single photo through DenseNet201 that is a tenth of the time.
    Not applied where more channels come out than go in: there, to have bias and ReLU done inside the convolution is
    worth more. Nor to strided, grouped or wider kernels, or if height and width are not known.
    """
    shapes = network.shapes()
    for convolution in network.of_type("Conv2D"):
        kernel, shape = constant_kernel(network, convolution), shapes[network.producer(convolution, 0).name]
        if kernel is None or not _is_pointwise(kernel, convolution) or kernel.shape[2] < kernel.shape[3]:
            continue
        if shape.rank == 4 and None not in shape[1:] and shape[3] == kernel.shape[2]:
            _multiply(network, convolution, kernel[0, 0], list(shape[1:3]))


def _multiply(network: Network, convolution: node_def_pb2.NodeDef, matrix: np.ndarray, height_width: list[int]) -> None:
    name, number = convolution.name, {"T": convolution.attr["T"]}
    channels_in, channels_out = matrix.shape
    rows_shape = network.add_constant(f"{name}/rows_shape", np.array([-1, channels_in], np.int32))
    image_shape = network.add_constant(f"{name}/image_shape", np.array([-1, *height_width, channels_out], np.int32))
    rows = network.put(f"{name}/rows", "Reshape", [convolution.input[0], rows_shape], number)
    matrix_name = network.add_constant(f"{name}/matrix", matrix)
    product = network.put(f"{name}/product", "MatMul", [rows, matrix_name], number)
    network.put(name, "Reshape", [product, image_shape], number)


def constant_kernel(network: Network, node: node_def_pb2.NodeDef) -> np.ndarray | None:
    """Return the kernel if `node` is a convolution with channels last and a constant kernel, one filter a channel."""
    if node.op not in OUTPUT_CHANNELS or node.attr["data_format"].s not in (b"", b"NHWC"):
        return None
    kernel = network.constant(node, 1)
    return None if kernel is None or (node.op != "Conv2D" and kernel.shape[3] != 1) else kernel


def _channels(kernel: np.ndarray, convolution: node_def_pb2.NodeDef) -> int:
    return kernel.shape[OUTPUT_CHANNELS[convolution.op].index(-1)]


def _is_pointwise(kernel: np.ndarray, convolution: node_def_pb2.NodeDef) -> bool:
    is_dense = convolution.op == "Conv2D" and kernel.shape[:2] == (1, 1)
    is_padded = convolution.attr["padding"].s == b"EXPLICIT"
    return is_dense and not is_padded and set(convolution.attr["strides"].list.i) == {1}
