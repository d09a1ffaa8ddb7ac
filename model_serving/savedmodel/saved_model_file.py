"""The file `saved_model.pb` of a version: reading it, and writing other constants and another card into its graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from model_serving.savedmodel.card import CARD_FILE, FLOAT32, INT8, ModelCard
from model_serving.savedmodel.graph import CARD


def read_saved_model(version: Path) -> saved_model_pb2.SavedModel:
    """Return the SavedModel in the folder `version`, as it is on disk."""
    content = (version / tf.saved_model.SAVED_MODEL_FILENAME_PB).read_bytes()
    return saved_model_pb2.SavedModel.FromString(content)


def write_with_card(version: Path, saved_model: saved_model_pb2.SavedModel, card: ModelCard) -> None:
    """Write a SavedModel into the folder `version`, with `card` in each of its graphs and beside them."""
    for meta_graph in saved_model.meta_graphs:
        arithmetic = INT8 if INT8 in meta_graph.meta_info_def.tags else FLOAT32
        value = np.array([replace(card, arithmetic=arithmetic).to_json()], object)
        replace_constants(meta_graph.graph_def, {CARD: value})
    (version / tf.saved_model.SAVED_MODEL_FILENAME_PB).write_bytes(saved_model.SerializeToString())
    (version / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


def constants(graph_def: graph_pb2.GraphDef) -> dict[str, node_def_pb2.NodeDef]:
    """Return the constants of a graph by name."""
    return {node.name: node for node in graph_def.node if node.op == "Const"}


def replace_constants(graph_def: graph_pb2.GraphDef, values: Mapping[str, npt.ArrayLike]) -> None:
    """Put values in the place of those that constants of a graph have, by their names."""
    found = constants(graph_def)
    for name, value in values.items():
        found[name].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def tensor_info(tensor: tf.Tensor) -> meta_graph_pb2.TensorInfo:
    """Return what a signature says of a tensor."""
    return meta_graph_pb2.TensorInfo(
        name=tensor.name, dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto()
    )
