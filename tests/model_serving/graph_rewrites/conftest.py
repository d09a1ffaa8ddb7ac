"""Small frozen networks, and what they answer."""

from collections import Counter
from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

# A trained network has factors of both signs, some near zero and some at it.
HARD_FACTORS = (1.5, -0.7, 0.0, 1e-12, -1e-6, 0.3)


def freeze(network: keras.Model) -> graph_pb2.GraphDef:
    """Return the graph of `network` from the placeholder `x` to the node `Identity`, its weights as constants."""
    function = tf.function(lambda x: network(x, training=False))
    spec = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32, "x")
    return convert_variables_to_constants_v2(function.get_concrete_function(spec)).graph.as_graph_def()


def answer(graph_def: graph_pb2.GraphDef, x: np.ndarray) -> np.ndarray:
    """Return what a frozen graph computes of `x`."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(graph_def, name="")
        return session.run("Identity:0", {"x:0": x})


def ops(graph_def: graph_pb2.GraphDef) -> Counter[str]:
    """Count the ops of a graph that work on the photo."""
    return Counter(node.op for node in graph_def.node if node.op not in ("Const", "Placeholder", "Identity"))


def randomize(network: keras.Model, seed: int = 0) -> None:
    """Give every normalisation the hard factors, offsets of both signs and statistics of its own."""
    numbers = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.gamma.shape[0]
            gamma = numbers.permutation(np.resize(HARD_FACTORS, size))
            mean, variance = numbers.normal(0, 0.5, size), numbers.uniform(0.3, 2, size)
            layer.set_weights([gamma, numbers.normal(0, 0.5, size), mean, variance])


def build(shape: Sequence[int], body: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    """Return the network of `body` on inputs of `shape`, its normalisations randomised."""
    x = keras.Input(shape)
    network = keras.Model(x, body(x))
    randomize(network)
    return network


@pytest.fixture(scope="session")
def toolkit() -> tuple[Callable, ...]:
    """Return `build`, `freeze`, `answer` and `ops`: a test module cannot import from here."""
    return build, freeze, answer, ops
