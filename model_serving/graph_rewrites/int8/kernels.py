"""Trial of whether this machine has kernels for int8: TensorFlow finds out at a run, and not before."""

from __future__ import annotations

from functools import cache

import numpy as np
import tensorflow as tf

from model_serving.graph_rewrites import fold
from model_serving.graph_rewrites.int8 import quantize
from model_serving.graph_rewrites.int8.ranges import LayerRange, Ranges

_RANGE = 6.0


@cache
def run_here() -> bool:
    """Tell whether a network in int8 runs here, by a small one whose convolutions read signed and unsigned integers."""
    with tf.Graph().as_default() as graph:
        pixels = tf.compat.v1.placeholder(tf.float32, [1, 2, 2, 4], "pixels")
        kernel = tf.constant(np.eye(4, dtype=np.float32).reshape(1, 1, 4, 4))
        rectified = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(pixels, kernel, 1, "VALID"), tf.ones([4])))
        tf.nn.bias_add(tf.nn.conv2d(rectified, kernel, 1, "VALID"), tf.ones([4]), name="features")
    layers = (LayerRange(_RANGE, _RANGE), LayerRange(_RANGE, _RANGE))
    rounded = quantize(fold(graph.as_graph_def(), ["features"]), "features", Ranges(layers))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(rounded, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        try:
            session.run("features:0", {"pixels:0": np.ones((1, 2, 2, 4), np.float32)})
        except tf.errors.OpError:
            return False
    return True
