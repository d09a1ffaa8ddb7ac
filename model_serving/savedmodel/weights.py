"""The weights of a graph as variables that all its signatures share.

A session optimises the graph anew for each set of fetches, and keeps several copies of what is constant in it: 230 MB
more for every signature of DenseNet201. A variable is in memory once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import saver_pb2

from model_serving.graph_rewrites.network import Network

# Smaller constants cost little, and the optimiser makes more of a constant than of a variable.
SMALLEST_VARIABLE = 4096


@dataclass(frozen=True)
class SplitGraph:
    """A graph, what its variables are restored to, by name, and how to have them restored."""

    graph: tf.Graph
    weights: dict[str, np.ndarray]
    saver: saver_pb2.SaverDef


def split_weights(graph_def: graph_pb2.GraphDef, stored: Mapping[str, np.ndarray] | None = None) -> SplitGraph:
    """Return the graph with its large float constants turned to variables; all other names stay.

    Constants of the same values share a variable, whatever their shapes: one kernel of a convolution and of a matrix
    product. Those with the values of weights that are `stored` for another graph are restored from these. Filters in
    int8 must be constants: they stay in the graph, and equal ones stay once.
    """
    constants, rest = {}, graph_pb2.GraphDef(versions=graph_def.versions, library=graph_def.library)
    copies = _copies(graph_def)
    for node in graph_def.node:
        if _is_weight(node):
            constants[node.name] = tf.make_ndarray(node.attr["value"].tensor)
        elif node.name not in copies:
            kept = rest.node.add()
            kept.CopyFrom(node)
            kept.input[:] = [copies.get(name, name) for name in node.input]
    stored = stored or {}
    first = {_digest(value): name for name, value in stored.items()}
    owners: dict[str, str] = {}
    weights: dict[str, np.ndarray] = {}
    for name, value in constants.items():
        free_name = f"{name}/other" if name in stored else name
        owner = owners[name] = first.setdefault(_digest(value), free_name)
        weights.setdefault(owner, stored.get(owner, value))
    with tf.Graph().as_default() as graph:
        handles = {name: _variable(name, value) for name, value in weights.items()}
        reads = {
            f"{name}:0": _read(name, handles[owner], weights[owner].shape, constants[name].shape)
            for name, owner in owners.items()
        }
        tf.import_graph_def(rest, input_map=reads, name="")
        return SplitGraph(graph, weights, _restore(handles))


def write_checkpoint(folder: Path, weights: dict[str, np.ndarray]) -> None:
    """Write the weights where a SavedModel in `folder` has its variables. Raises `OSError`."""
    folder = folder / tf.saved_model.VARIABLES_DIRECTORY
    folder.mkdir()
    try:
        tf.raw_ops.SaveV2(
            prefix=str(folder / tf.saved_model.VARIABLES_FILENAME),
            tensor_names=list(weights),
            shape_and_slices=[""] * len(weights),
            tensors=[tf.constant(value) for value in weights.values()],
        )
    except tf.errors.OpError as error:  # "<path>; No space left on device"
        raise OSError(error.message.rpartition("; ")[2].partition(" [Op:")[0]) from error


def restore_weights(network: Network, folder: Path) -> None:
    """Put the weights that the SavedModel in `folder` has in variables back into its graph, as constants."""
    stored = tf.train.load_checkpoint(
        str(folder / tf.saved_model.VARIABLES_DIRECTORY / tf.saved_model.VARIABLES_FILENAME)
    )
    for node in network.of_type("ReadVariableOp"):
        name = network.producer(node, 0).attr["shared_name"].s.decode()
        network.add_constant(node.name, stored.get_tensor(name))
    network.prune()


def _is_weight(node: node_def_pb2.NodeDef) -> bool:
    return _is_large(node, tf.float32)


def _is_large(node: node_def_pb2.NodeDef, dtype: tf.DType) -> bool:
    if node.op != "Const" or node.attr["dtype"].type != dtype.as_datatype_enum:
        return False
    return tf.TensorShape(node.attr["value"].tensor.tensor_shape).num_elements() >= SMALLEST_VARIABLE


def _copies(graph_def: graph_pb2.GraphDef) -> dict[str, str]:
    """Return the names of large integer constants that equal another one, each with the name of the first of these."""
    first: dict[bytes, str] = {}
    large = [node for node in graph_def.node if _is_large(node, tf.qint8)]
    same = {node.name: first.setdefault(node.attr["value"].SerializeToString(), node.name) for node in large}
    return {name: original for name, original in same.items() if name != original}


def _variable(name: str, value: np.ndarray) -> tf.Tensor:
    return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=value.shape, shared_name=name, name=f"{name}/variable")


def _digest(value: np.ndarray) -> bytes:
    return hashlib.sha256(value.tobytes()).digest()


def _read(name: str, handle: tf.Tensor, stored: tuple[int, ...], shape: tuple[int, ...]) -> tf.Tensor:
    """Read a variable in the shape of the constant called `name`."""
    value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32, name=f"{name}/read")
    return value if stored == shape else tf.reshape(tf.ensure_shape(value, stored), shape, name=f"{name}/shaped")


def _restore(handles: dict[str, tf.Tensor]) -> saver_pb2.SaverDef:
    """Add what a loader runs, fed with the checkpoint's path, to fill the variables; a graph in int8 may have none."""
    with tf.name_scope("restore"):
        path = tf.compat.v1.placeholder_with_default("", [], "path")
        restored = {
            "tensor_names": list(handles),
            "shape_and_slices": [""] * len(handles),
            "dtypes": [tf.float32] * len(handles),
        }
        values = tf.raw_ops.RestoreV2(prefix=path, **restored) if handles else []
        assignments = [
            tf.raw_ops.AssignVariableOp(resource=handle, value=value)
            for handle, value in zip(handles.values(), values, strict=True)
        ]
        done = tf.group(*assignments, name="done")
    # Nobody saves a served model, but a SaverDef without an op for it is not valid.
    return saver_pb2.SaverDef(
        filename_tensor_name=path.name,
        save_tensor_name=path.name,
        restore_op_name=done.name,
        version=saver_pb2.SaverDef.V2,
    )
