"""Layers in int8 against their equations, computed in floating point, and small networks against themselves in fp32."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from model_serving.graph_rewrites import fold
from model_serving.graph_rewrites.int8 import quantize
from model_serving.graph_rewrites.int8.calibration import measure_ranges
from model_serving.graph_rewrites.int8.convolutions import layers as layers_of
from model_serving.graph_rewrites.int8.ranges import LayerRange, Ranges, round_depthwise, round_weights
from model_serving.graph_rewrites.network import Network

SHAPE = (9, 9, 16)
LAYERS = {
    "pointwise, signed": lambda x: layers.Conv2D(24, 1)(x),
    "pointwise, signed, to a ReLU": lambda x: layers.ReLU(6)(layers.Conv2D(24, 1)(x)),
    "pointwise, after a ReLU": lambda x: layers.Conv2D(24, 1)(layers.ReLU(6)(x)),
    "wide, strided": lambda x: layers.ReLU()(layers.Conv2D(24, 3, 2, "same")(layers.ReLU()(x))),
    "depthwise": lambda x: layers.ReLU(6)(layers.DepthwiseConv2D(5, 2, "same")(layers.ReLU(6)(x))),
}


def linear_block(x):
    """An inverted residual block: expanded, filtered by channel, projected, and added."""
    wide = layers.ReLU(6)(layers.BatchNormalization()(layers.Conv2D(48, 1, use_bias=False)(x)))
    wide = layers.DepthwiseConv2D(3, 1, "same", use_bias=False)(wide)
    wide = layers.ReLU(6)(layers.BatchNormalization()(wide))
    return layers.Add()([x, layers.BatchNormalization()(layers.Conv2D(16, 1, use_bias=False)(wide))])


def two_blocks(x):
    """Two such blocks, and a last layer."""
    return layers.ReLU(6)(layers.Conv2D(20, 1)(linear_block(linear_block(x))))


def set_weights(network, kind: str, numbers: np.random.Generator) -> None:
    """Give the layers weights of both signs as trained ones are, or all as large as they get, beside nothing at all.

    Uneven ones are as large for one of two neighbouring inputs only, which leaves next to nothing for the other.
    """
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            values = numbers.normal(0, 0.3, kernel.shape) if kind == "real" else np.full(kernel.shape, 0.5)
            if kind == "uneven" and kernel.shape[3] > 1:
                values[:, :, 1::2] = 0.01
            if kind != "real":
                values[..., 1::4] *= -1
                values[..., 2::4] = 0
            layer.set_weights([values, numbers.normal(0, 0.5, bias.shape)])


def expected(graph_def, x: np.ndarray, ranges: LayerRange) -> tuple[np.ndarray, float]:
    """Return what the layer's equation gives, in floating point of 64 bits, and the width of a step."""
    (layer,) = layers_of(Network(graph_def, ["Identity"]))
    signed, written_signed = not layer.input_is_rectified, not layer.is_rectified
    x = x if signed else np.maximum(x, 0)
    read, written = ranges.read / (127 if signed else 255), ranges.written / (127 if written_signed else 255)
    integers = np.clip(np.round(x / read), -127 if signed else 0, 127 if signed else 255)
    axis = 2 if layer.is_depthwise else 3
    weights = layer.weights
    shape = [-1 if place == axis else 1 for place in range(4)]
    kernel = weights.integers * (weights.largest.astype(np.float64) / 127).reshape(shape)
    convolve = tf.raw_ops.DepthwiseConv2dNative if layer.is_depthwise else tf.raw_ops.Conv2D
    strides, padding = (layer.convolution.attr[name] for name in ("strides", "padding"))
    y = convolve(input=integers * read, filter=kernel, strides=list(strides.list.i), padding=padding.s.decode())
    y = y.numpy() + layer.bias
    least, most = (-128, 127) if written_signed else (0, 255)
    return written * np.clip(np.round(y / written), least, most), written


def differences(toolkit, case: str, kind: str) -> tuple[np.ndarray, float]:
    """Return how far a layer in int8 is from its equation, and the width of a step."""
    build, freeze, answer, ops = toolkit
    numbers = np.random.default_rng(0)
    network = build(SHAPE, LAYERS[case])
    set_weights(network, kind, numbers)
    graph_def = fold(freeze(network), ["Identity"])
    x = numbers.uniform(-2, 2, (2, *SHAPE)) if kind == "real" else np.full((2, *SHAPE), 2.0)
    x = x.astype(np.float32)
    ranges = LayerRange(2.0, 6.0 if "ReLU" in case or case == "depthwise" else 20.0)
    rounded = quantize(graph_def, "Identity", Ranges((ranges,)))
    assert any(op.startswith("Quantized") for op in ops(rounded))
    wanted, step = expected(graph_def, x, ranges)
    return np.abs(answer(rounded, x) - wanted), step


def test_weights_use_what_the_kernels_hold() -> None:
    """Weights come as near to 127 as they may: even ones, or two neighbours together, and with room for rounding."""
    kernel = np.random.default_rng(0).normal(0, 1, (1, 1, 64, 32)).astype(np.float32)
    even, in_twos = (round_weights(kernel, is_unsigned=is_unsigned) for is_unsigned in (False, True))
    assert np.abs(even.integers).max((0, 1, 2)).tolist() == [126] * 32
    assert not (even.integers % 2).any()
    of_two = np.abs(in_twos.integers.astype(int)).reshape(32, 2, 32).sum(1).max(0)
    assert ((of_two >= 126) & (of_two <= 128)).all()
    assert np.abs(in_twos.integers).max() > 64
    for weights, multiple in ((even, 2), (in_twos, 1)):
        step = weights.largest / 127
        assert (np.abs(weights.integers - kernel / step) < 0.501 * multiple).all()


def test_depthwise_weights_keep_their_sum() -> None:
    """Each filter's integers are next to its weights, and sum up to what these do, but for half a step."""
    kernel = np.random.default_rng(0).normal(0, 1, (5, 5, 64, 1)).astype(np.float32)
    weights = round_depthwise(kernel)
    taps, integers = (kernel / (weights.largest / 127)[:, None]), weights.integers
    assert np.abs(integers).max((0, 1, 3)).tolist() == [127] * 64
    assert np.abs(taps - integers).max() < 1.01
    assert np.abs((taps - integers).sum((0, 1, 3))).max() < 0.51
    assert np.abs((taps - np.round(taps)).sum((0, 1, 3))).max() > 1


@pytest.mark.parametrize("kind", ["real", "extreme", "uneven"])
@pytest.mark.parametrize("case", LAYERS)
def test_layers_are_their_equation(toolkit, case: str, kind: str) -> None:
    """A layer gives its equation's integers, but for one value in a hundred that lies between two."""
    found, step = differences(toolkit, case, kind)
    assert found.max() <= 1.01 * step
    assert (found > 0.01 * step).mean() < 0.01


@pytest.mark.parametrize("isa", ["AVX2", "SSE41"])
def test_layers_do_not_saturate_without_vnni(isa: str) -> None:
    """The largest inputs and weights give the equation's integers even if products are added by twos in 16 bits."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", __file__]
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": isa}
    run = subprocess.run([*command, "-k", "equation and not real"], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert f"{2 * len(LAYERS)} passed" in run.stdout


def test_measured_ranges_keep_a_network_near_its_fp32(toolkit, rounded_by_measured_ranges) -> None:
    """Two blocks in int8 with measured ranges: a small error, features as long, and floats only where sums are."""
    build, freeze, _, ops = toolkit
    graph_def = fold(freeze(build(SHAPE, two_blocks)), ["Identity"])
    rounded, floats, integers = rounded_by_measured_ranges(graph_def, SHAPE)
    assert ops(rounded) == Counter(
        QuantizedConv2DWithBiasAndReluAndRequantize=3,
        QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize=2,
        QuantizedConv2DWithBiasAndRequantize=2,
        QuantizeV2=3,
        Dequantize=3,
        AddV2=2,
    )
    assert np.linalg.norm(integers - floats) < 0.05 * np.linalg.norm(floats)
    lengths = [np.linalg.norm(values.mean((1, 2)), axis=1).mean() for values in (integers, floats)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.01)


def test_densenet_stays_in_integers_near_its_fp32(toolkit, dense_network, rounded_by_measured_ranges) -> None:
    """From the first convolution to the last concatenation all is integers, and the features differ little."""
    build, freeze, _, ops = toolkit
    graph_def = fold(freeze(build(SHAPE, dense_network)), ["Identity"])
    rounded, floats, integers = rounded_by_measured_ranges(graph_def, SHAPE)
    found = ops(rounded)
    kept = {"QuantizeV2": 1, "Dequantize": 1, "DepthwiseConv2dNative": 1, "BiasAdd": 1, "Relu": 1}
    assert {op: count for op, count in found.items() if op in (*kept, "Conv2D", "AddV2")} == kept
    assert found["QuantizedConv2DWithBiasAndReluAndRequantize"] == 10
    assert (found["QuantizedMaxPool"], found["QuantizedAvgPool"]) == (1, 1)
    assert np.linalg.norm(integers - floats) < 0.05 * np.linalg.norm(floats)


def test_layers_let_be_what_int8_has_no_kernel_for(toolkit) -> None:
    """Dilated convolutions, and depthwise ones without a ReLU on both sides, stay as they are."""
    build, freeze, _, ops = toolkit
    bodies = [
        lambda x: layers.Conv2D(16, 3, dilation_rate=2)(x),
        lambda x: layers.DepthwiseConv2D(3)(layers.ReLU()(x)),
        lambda x: layers.ReLU()(layers.DepthwiseConv2D(3)(x)),
    ]
    for body in bodies:
        graph_def = fold(freeze(build(SHAPE, body)), ["Identity"])
        assert list(layers_of(Network(graph_def, ["Identity"]))) == []
        assert ops(quantize(graph_def, "Identity", Ranges(()))) == ops(graph_def)


def test_layers_let_grouped_convolutions_be() -> None:
    """A kernel of fewer channels than the input has filters groups, for which there is no kernel."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, *SHAPE], "x")
        grouped = tf.nn.conv2d(x, tf.ones([1, 1, SHAPE[2] // 2, 8]), 1, "VALID")
        tf.identity(tf.nn.bias_add(grouped, tf.ones(8)), "Identity")
    assert list(layers_of(Network(graph.as_graph_def(), ["Identity"]))) == []


def test_ranges_need_photos_and_every_layer(toolkit) -> None:
    """An empty calibration set, and ranges that are those of another network, are errors."""
    build, freeze, _, _ = toolkit
    graph_def = fold(freeze(build(SHAPE, LAYERS["depthwise"])), ["Identity"])
    with pytest.raises(ValueError, match="without a photo"):
        measure_ranges(graph_def, "x:0", "Identity", [np.zeros((0, *SHAPE), np.float32)])
    with pytest.raises(ValueError, match="shorter"):
        quantize(graph_def, "Identity", Ranges(()))
