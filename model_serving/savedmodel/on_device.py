"""A version's graph as one file for browsers and phones: TensorFlow Lite's format, weights in float16.

It has one signature, `pixels`, from one photo float32 [1, size, size, 3] in 0..255, upright RGB at the model's size, to
those outputs of `explain` that are numbers and mean something for this model. Breeds are in the card, in their order.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from local_server.tensorflow_import import closed_stderr
from model_serving.graph_rewrites.network import Network
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.saved_model_file import read_saved_model, tensor_info
from model_serving.savedmodel.signatures import EXPLAIN, PIXELS
from model_serving.savedmodel.tags import FLOAT32_TAGS
from model_serving.savedmodel.weights import restore_weights

PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class SinglePhotoGraph:
    """A version's graph cut to what the file is to have: from one photo to the outputs, by name."""

    graph: tf.Graph
    photo: tf.Tensor
    outputs: Mapping[str, tf.Tensor]


class OnDeviceModel:
    """Such a file, open in this process as a device would open it, on `threads` cores; None for all."""

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        # It tells where it will move to one day, and which delegate it has made.
        with warnings.catch_warnings(action="ignore"), closed_stderr():
            self._interpreter = tf.lite.Interpreter(model_content=content, num_threads=threads or os.cpu_count())
        self._run = self._interpreter.get_signature_runner(PIXELS)

    def ask(self, photo: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for one photo, pixels uint8 [size, size, 3], by name."""
        answer: dict[str, np.ndarray] = self._run(pixels=as_input(photo))
        return answer


def as_input(photo: np.ndarray) -> np.ndarray:
    """Return pixels uint8 [size, size, 3] as the file takes them."""
    return photo[np.newaxis].astype(np.float32)


def outputs(card: ModelCard) -> tuple[str, ...]:
    """Return the names of the outputs that the file of a model with this card has."""
    dog = ["dog_probability"] if card.detects_dogs else []
    familiarity = ["familiarity"] if card.familiarity.quantiles else []
    return (PROBABILITIES, *dog, *familiarity, "heatmap")


def read_single(version: Path, card: ModelCard) -> SinglePhotoGraph:
    """Return the graph in fp32 of the version in the folder `version`, whose card is `card`, for one photo."""
    (served,) = (graph for graph in read_saved_model(version).meta_graphs if _tags(graph) == set(FLOAT32_TAGS))
    names = {alias: served.signature_def[EXPLAIN].outputs[alias].name for alias in outputs(card)}
    network = _network(version, served, [name.partition(":")[0] for name in names.values()], card.input_size)
    (photo,) = network.of_type("Placeholder")
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(network.to_graph_def(), name="")
    tensors = {alias: graph.get_tensor_by_name(name) for alias, name in names.items()}
    return SinglePhotoGraph(graph, graph.get_tensor_by_name(f"{photo.name}:0"), tensors)


def convert(single: SinglePhotoGraph) -> bytes:
    """Return the file of a graph, which needs none but LiteRT's own operations.

    Raises `ConverterError` of TensorFlow's converter if that cannot be had.
    """
    meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=single.graph.as_graph_def())
    meta_graph.meta_info_def.tags.extend(FLOAT32_TAGS)
    signature = meta_graph.signature_def[PIXELS]
    signature.method_name = tf.compat.v1.saved_model.signature_constants.PREDICT_METHOD_NAME
    signature.inputs[PIXELS].CopyFrom(tensor_info(single.photo))
    for alias, tensor in single.outputs.items():
        signature.outputs[alias].CopyFrom(tensor_info(tensor))
    saved_model = saved_model_pb2.SavedModel(
        saved_model_schema_version=tf.saved_model.SAVED_MODEL_SCHEMA_VERSION, meta_graphs=[meta_graph]
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / tf.saved_model.SAVED_MODEL_FILENAME_PB).write_bytes(saved_model.SerializeToString())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[PIXELS])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        converter.exclude_conversion_metadata = True  # nobody reads it, and to add it takes a second
        content: bytes = converter.convert()
        return content


def _network(version: Path, served: meta_graph_pb2.MetaGraphDef, wanted: Sequence[str], size: int) -> Network:
    """Return the part of a served graph between a photo of float32 and the nodes `wanted`, without variables."""
    network = Network(served.graph_def, wanted)
    _begin_at(network, served.signature_def[PIXELS].inputs[PIXELS].name.partition(":")[0], tf.uint8, [None] * 4)
    restore_weights(network, version)
    # What turns the bytes of pixels into numbers is left to the caller, who has these in an array of float32.
    (cast,) = (node for node in network.of_type("Cast") if node.attr["SrcT"].type == tf.uint8.as_datatype_enum)
    _begin_at(network, cast.name, tf.float32, [1, size, size, 3])
    return network


def _begin_at(network: Network, name: str, dtype: tf.DType, shape: Sequence[int | None]) -> None:
    """Make a node the only placeholder of a network, and drop what was before it."""
    attributes = {
        "dtype": attr_value_pb2.AttrValue(type=dtype.as_datatype_enum),
        "shape": attr_value_pb2.AttrValue(shape=tf.TensorShape(shape).as_proto()),
    }
    network.put(name, "Placeholder", [], attributes)
    for other in network.of_type("Placeholder"):
        if other.name != name:
            del network.nodes[other.name]
    network.prune()


def _tags(graph: meta_graph_pb2.MetaGraphDef) -> set[str]:
    return set(graph.meta_info_def.tags)
