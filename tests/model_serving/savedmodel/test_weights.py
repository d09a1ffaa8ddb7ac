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


def test_split_weights_takes_what_another_graph_stores() -> None:
    """Values that are stored already are restored from there, and others get a name that is free."""
    numbers = np.random.default_rng(0)
    shared, own, other = numbers.normal(size=(3, SMALLEST_VARIABLE)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        tf.add(tf.constant(shared, name="a"), tf.constant(own, name="b"), name="sum")
    split = split_weights(graph.as_graph_def(), {"x": shared, "b": other})
    assert {name: value.tolist() for name, value in split.weights.items()} == {
        "x": shared.tolist(),
        "b/other": own.tolist(),
    }


def test_split_weights_keeps_equal_integers_once() -> None:
    """Filters in int8 that several parts of a graph read are one constant, and all of them still read it."""
    integers = np.arange(SMALLEST_VARIABLE, dtype=np.int8).view(tf.qint8.as_numpy_dtype)
    with tf.Graph().as_default() as graph:
        tf.identity(tf.constant(np.ones(SMALLEST_VARIABLE, np.float32), name="weights"))
        for part in ("first", "second"):
            tf.bitcast(tf.constant(integers, name=f"{part}/filter"), tf.int8, name=f"{part}/read")
    split = split_weights(graph.as_graph_def())
    assert [node.name for node in split.graph.as_graph_def().node if node.attr["dtype"].type == tf.qint8] == [
        "first/filter"
    ]
    with tf.compat.v1.Session(graph=split.graph) as session:
        for values in session.run(["first/read:0", "second/read:0"]):
            np.testing.assert_array_equal(values, integers.view(np.int8))


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
