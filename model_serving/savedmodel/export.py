"""Export of a backbone and its head as the next version of a SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from model_serving.backbones import Backbone, Classifier
from model_serving.backbones.int8 import Int8Record, int8_networks, int8_record, weights_digest
from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
from model_serving.errors import WeightsUnavailableError
from model_serving.savedmodel.card import INT8, Familiarity, ModelCard
from model_serving.savedmodel.familiarity import DOG_CLASSES
from model_serving.savedmodel.graph import ServedGraph, build_graph
from model_serving.savedmodel.imagenet_calibrations import accuracy_on_record, calibrated
from model_serving.savedmodel.int8_gate import IMAGENET_LIMITS, gated
from model_serving.savedmodel.on_device_gate import JudgingPhotos, add_on_device
from model_serving.savedmodel.saved_model_file import read_saved_model, tensor_info, write_with_card
from model_serving.savedmodel.signatures import Signature
from model_serving.savedmodel.tags import FLOAT32_TAGS, INT8_TAGS
from model_serving.savedmodel.versions import write_version
from model_serving.savedmodel.weights import SplitGraph, split_weights, write_checkpoint

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def export_imagenet_head(model: Path, backbone: Backbone, *, in_int8: bool = False) -> Path:
    """Export the ImageNet head, the backbone's own classifier cut to its dogs, and return the version's folder.

    With `in_int8` it also has a graph in int8, if that passes the gate; the card says whether. Raises
    `WeightsUnavailableError` if the backbone came without its ImageNet classifier.
    """
    head, card = imagenet_head(backbone)
    record = int8_record(backbone, nearest=True) if in_int8 else None
    if in_int8:
        accuracy = accuracy_on_record(card, weights_digest(backbone))
        card = replace(card, int8=gated(backbone, record, accuracy, IMAGENET_LIMITS))
    return export_model(model, backbone, head, card, int8=record)


def imagenet_head(backbone: Backbone) -> tuple[Classifier, ModelCard]:
    """Return a backbone's own classifier, cut to its dogs, and its card, calibrated as far as that is on record.

    Raises `WeightsUnavailableError` if the backbone came without its ImageNet classifier.
    """
    if backbone.imagenet is None:
        raise WeightsUnavailableError(
            f"These weights of {backbone.name} are without ImageNet's classifier, so there is no head to export. "
            "Give weights that include the top, or train a head with `dog-breed train`."
        )
    head = Classifier(backbone.imagenet.kernel[:, IMAGENET_DOGS], backbone.imagenet.bias[IMAGENET_DOGS])
    card = ModelCard(
        head="imagenet",
        backbone=backbone.name,
        input_size=backbone.geometry.size,
        crop=backbone.geometry.crop,
        breeds=IMAGENET_BREEDS,
        detects_dogs=True,
        familiarity=Familiarity(shown_classes=DOG_CLASSES),
    )
    return head, calibrated(card)


def export_model(
    model: Path,
    backbone: Backbone,
    head: Classifier,
    card: ModelCard,
    *,
    int8: Int8Record | None = None,
    shelved: bool = False,
    photos: JudgingPhotos | None = None,
    add: Callable[[Path, ModelCard], None] = lambda folder, card: None,
) -> Path:
    """Write `backbone` under `head` as the next version in the folder `model`, or on its shelf, and return its path.

    It has a graph in int8, by the ranges of `int8`, if the card says that it passed the gate, and a file for devices if
    that passes its own, on `photos`; the card says whether. `add` may put more files into the version's folder before
    it appears under its number, and is given the card as it is there.
    """
    card = replace(card, locates=card.detects_dogs and backbone.imagenet is not None)
    graphs: dict[tuple[str, ...], ServedGraph] = {FLOAT32_TAGS: build_graph(backbone, backbone.networks, head, card)}
    if int8 and card.int8 and card.int8["kept"]:
        rounded = int8_networks(backbone, int8)
        graphs[INT8_TAGS] = build_graph(backbone, rounded, head, replace(card, arithmetic=INT8))

    def write(folder: Path) -> None:
        _write_saved_model(folder, graphs)
        _write_warmup(folder / WARMUP_FILE, card.name, graphs[FLOAT32_TAGS].signatures)
        described = replace(card, on_device=add_on_device(folder, card, photos))
        write_with_card(folder, read_saved_model(folder), described)
        add(folder, described)

    return write_version(model, write, shelved=shelved)


def _write_saved_model(folder: Path, graphs: Mapping[tuple[str, ...], ServedGraph]) -> None:
    """Write graphs by their tags, and beside them the weights, as variables that they share."""
    saved_model = saved_model_pb2.SavedModel(saved_model_schema_version=tf.saved_model.SAVED_MODEL_SCHEMA_VERSION)
    weights: dict[str, np.ndarray] = {}
    for tags, served in graphs.items():
        split = split_weights(served.graph.as_graph_def(), weights)
        weights |= split.weights
        saved_model.meta_graphs.append(_meta_graph(tags, split, served.signatures))
    write_checkpoint(folder, weights)
    (folder / tf.saved_model.SAVED_MODEL_FILENAME_PB).write_bytes(saved_model.SerializeToString())


def _meta_graph(tags: Iterable[str], split: SplitGraph, signatures: Iterable[Signature]) -> meta_graph_pb2.MetaGraphDef:
    graph_def = split.graph.as_graph_def(add_shapes=True)
    meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=graph_def, saver_def=split.saver)
    meta_graph.meta_info_def.tags.extend(tags)
    meta_graph.meta_info_def.tensorflow_version = tf.__version__
    for signature in signatures:
        definition = meta_graph.signature_def[signature.name]
        definition.method_name = tf.compat.v1.saved_model.signature_constants.PREDICT_METHOD_NAME
        for alias, tensor in signature.inputs.items():
            definition.inputs[alias].CopyFrom(tensor_info(tensor))
        for alias, tensor in signature.outputs.items():
            definition.outputs[alias].CopyFrom(tensor_info(tensor))
        for alias, values in signature.defaults.items():
            definition.defaults[alias].CopyFrom(tf.make_tensor_proto(values))
    return meta_graph


def _write_warmup(path: Path, model_name: str, signatures: Iterable[Signature]) -> None:
    """Record a request for every signature, which TensorFlow Serving runs before it calls a version available."""
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path)) as records:
        for signature in signatures:
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model_name, signature.name
            for alias, values in signature.warmup.items():
                request.inputs[alias].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            records.write(log.SerializeToString())
