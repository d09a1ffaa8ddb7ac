"""Operations on integers against the same on the floats that these stand for."""

import numpy as np
import pytest
import tensorflow as tf

from model_serving.graph_rewrites import rewritten
from model_serving.graph_rewrites.int8.passing import pass_integers

MOST = 6.0
LIMIT = np.linspace(-1, 7, 8, dtype=np.float32)
OPERATIONS = {
    "ConcatV2": lambda x, y: tf.concat([x, y], 3),
    "Pad": lambda x, y: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "MaxPool": lambda x, y: tf.nn.max_pool2d(x, 3, 2, "VALID"),
    "AvgPool": lambda x, y: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "Maximum": lambda x, y: tf.maximum(x, LIMIT),
    "Minimum": lambda x, y: tf.minimum(x, LIMIT),
}


def graph_of(operation, most_of_second: float = MOST):
    """Return a graph that quantises an input, dequantises it again, and does an operation on it and its half."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 9, 9, 8], "x")

        def stored(values: tf.Tensor, most: float) -> tf.Tensor:
            ends = tf.constant(0.0), tf.constant(most)
            integers = tf.raw_ops.QuantizeV2(
                input=values,
                min_range=ends[0],
                max_range=ends[1],
                T=tf.quint8,
                mode="SCALED",
                round_mode="HALF_TO_EVEN",
            )
            return tf.raw_ops.Dequantize(input=integers[0], min_range=ends[0], max_range=ends[1], mode="SCALED")

        tf.identity(operation(stored(x, MOST), stored(x / 2, most_of_second)), "Identity")
    return graph.as_graph_def()


@pytest.mark.parametrize("op", OPERATIONS)
def test_integers_pass_as_their_floats_do(toolkit, op: str) -> None:
    """An operation on integers gives the floats' result, to half a step where means or limits are rounded."""
    _, _, answer, ops = toolkit
    graph_def = graph_of(OPERATIONS[op])
    passed = rewritten(graph_def, ["Identity"], [pass_integers])
    assert ops(passed)["Dequantize"] == 1
    x = np.random.default_rng(0).uniform(-1, 7, (3, 9, 9, 8)).astype(np.float32)
    x[0, 0], x[0, 1] = 0, 100
    step = MOST / 255
    tolerance = 0.5 * step if op in ("AvgPool", "Maximum", "Minimum") else 0
    found, wanted = answer(passed, x), answer(graph_def, x)
    if op in ("Maximum", "Minimum"):
        wanted = np.clip(wanted, 0, MOST)  # limits beyond the range are its ends
    np.testing.assert_allclose(found, wanted, atol=tolerance + 1e-5)
    np.testing.assert_allclose(found, step * np.round(found / step), atol=1e-5)


def test_integers_of_two_ranges_are_not_joined(toolkit) -> None:
    """Tensors whose integers stand for different values are concatenated as floats."""
    _, _, _, ops = toolkit
    graph_def = graph_of(OPERATIONS["ConcatV2"], most_of_second=3.0)
    assert ops(rewritten(graph_def, ["Identity"], [pass_integers])) == ops(graph_def)
