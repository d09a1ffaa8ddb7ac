"""Weights as variables beside the graph."""

import resource
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from model_serving.savedmodel.weights import SMALLEST_VARIABLE, split_weights, write_checkpoint


def test_split_weights_restores_what_the_constants_were(tmp_path: Path) -> None:
    """The split graph keeps the names of its tensors and, once restored, computes the same; only weights move out."""
    matrix = np.random.default_rng(0).normal(size=(64, SMALLEST_VARIABLE // 64)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 64], "x")
        tf.add(tf.matmul(x, tf.constant(matrix, name="matrix")), tf.constant(matrix[0], name="offset"), name="y")
    split = split_weights(graph.as_graph_def())
    write_checkpoint(tmp_path, split.weights)
    assert list(split.weights) == ["matrix"]
    values = np.ones((2, 64), np.float32)
    with tf.compat.v1.Session(graph=split.graph) as session:
        path = str(tmp_path / tf.saved_model.VARIABLES_DIRECTORY / tf.saved_model.VARIABLES_FILENAME)
        session.run(split.saver.restore_op_name, {split.saver.filename_tensor_name: path})
        np.testing.assert_allclose(session.run("y:0", {"x:0": values}), values @ matrix + matrix[0], rtol=1e-5)


def test_split_weights_keeps_equal_values_once() -> None:
    """A kernel of a convolution and of a matrix product is one variable, and both compute the same."""
    kernel = np.random.default_rng(0).normal(size=(64, SMALLEST_VARIABLE // 64)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [1, 2, 2, 64], "x")
        tf.matmul(tf.reshape(x, [4, 64]), tf.constant(kernel, name="matrix"), name="product")
        tf.nn.conv2d(x, tf.constant(kernel[None, None], name="filter"), 1, "VALID", name="convolution")
    split = split_weights(graph.as_graph_def())
    assert list(split.weights) == ["matrix"]
    with tf.compat.v1.Session(graph=split.graph) as session:
        handle = split.graph.get_tensor_by_name("matrix/variable:0")
        with split.graph.as_default():
            session.run(tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(kernel)))
        product, convolution = session.run(["product:0", "convolution:0"], {"x:0": np.ones((1, 2, 2, 64))})
    np.testing.assert_allclose(product, convolution.reshape(4, -1), rtol=1e-5)


def test_export_keeps_its_weights_out_of_the_graph(starter_model: Path) -> None:
    """No signature holds a copy of its own: what all of them keep in the graph is little beside the checkpoint."""
    version = starter_model / "1"
    saved = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    constants = [node for node in saved.meta_graphs[0].graph_def.node if node.op == "Const"]
    checkpoint = (version / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert sum(node.attr["value"].tensor.ByteSize() for node in constants) < checkpoint / 20
    assert (version / "variables" / "variables.index").exists()


def test_write_checkpoint_to_a_full_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """An error of TensorFlow's writer is told as what it is, without TensorFlow's words around it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match=r"^File too large$"):
            write_checkpoint(tmp_path, {"kernel": np.zeros((1000, 1000), np.float32)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
