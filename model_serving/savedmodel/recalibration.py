"""Copy of an exported version with another calibration: the same graph and weights, a few other constants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from model_serving.errors import CalibrationError
from model_serving.savedmodel.card import CARD_FILE, FLOAT32, INT8, ModelCard
from model_serving.savedmodel.familiarity import quantile_values
from model_serving.savedmodel.graph import CARD, QUANTILES, TEMPERATURE
from model_serving.savedmodel.versions import write_copy


def write_recalibrated(model: Path, version: Path, card: ModelCard, *, shelved: bool = False) -> Path:
    """Write the version in the folder `version` once more, with the calibration of `card`, as the next one of `model`.

    Its weights are hard links to those of the other and take no space of their own. Returns its path. The version must
    pass `require_recalibratable`.
    """
    saved_model = read_saved_model(version)
    for meta_graph in saved_model.meta_graphs:
        arithmetic = INT8 if INT8 in meta_graph.meta_info_def.tags else FLOAT32
        values: dict[str, npt.ArrayLike] = {
            TEMPERATURE: np.float32(card.temperature),
            QUANTILES: quantile_values(card.familiarity),
            CARD: np.array([replace(card, arithmetic=arithmetic).to_json()], object),
        }
        _replace_constants(meta_graph.graph_def, values)

    def write(folder: Path) -> None:
        (folder / tf.saved_model.SAVED_MODEL_FILENAME_PB).write_bytes(saved_model.SerializeToString())
        (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")

    names = (tf.saved_model.SAVED_MODEL_FILENAME_PB, Path(CARD_FILE).name)
    return write_copy(model, version, names, write, shelved=shelved)


def require_recalibratable(version: Path) -> None:
    """Raise `CalibrationError` for a version that an older release exported: it has no place for these numbers."""
    for meta_graph in read_saved_model(version).meta_graphs:
        if not {TEMPERATURE, QUANTILES, CARD} <= _constants(meta_graph.graph_def).keys():
            raise CalibrationError(
                f"Version {version.name} was exported by an older release and cannot be calibrated. "
                "Export or train it again."
            )


def read_saved_model(version: Path) -> saved_model_pb2.SavedModel:
    """Return the SavedModel in the folder `version`, as it is on disk."""
    content = (version / tf.saved_model.SAVED_MODEL_FILENAME_PB).read_bytes()
    return saved_model_pb2.SavedModel.FromString(content)


def _constants(graph_def: graph_pb2.GraphDef) -> dict[str, node_def_pb2.NodeDef]:
    return {node.name: node for node in graph_def.node if node.op == "Const"}


def _replace_constants(graph_def: graph_pb2.GraphDef, values: dict[str, npt.ArrayLike]) -> None:
    constants = _constants(graph_def)
    for name, value in values.items():
        constants[name].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
