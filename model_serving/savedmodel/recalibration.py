"""Copy of an exported version with another calibration: the same graph and weights, a few other constants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from model_serving.errors import CalibrationError
from model_serving.savedmodel.card import CARD_FILE, ON_DEVICE_FILE, ModelCard
from model_serving.savedmodel.familiarity import quantile_values
from model_serving.savedmodel.graph import CARD, QUANTILES, TEMPERATURE
from model_serving.savedmodel.on_device_gate import JudgingPhotos, add_on_device
from model_serving.savedmodel.saved_model_file import constants, read_saved_model, replace_constants, write_with_card
from model_serving.savedmodel.versions import write_copy

# Names of the files that a recalibrated version does not share with the one before.
REWRITTEN = (tf.saved_model.SAVED_MODEL_FILENAME_PB, Path(CARD_FILE).name, Path(ON_DEVICE_FILE).name)


def write_recalibrated(
    model: Path, version: Path, card: ModelCard, *, photos: JudgingPhotos | None = None, shelved: bool = False
) -> Path:
    """Write the version in the folder `version` once more, with the calibration of `card`, as the next one of `model`.

    Its weights are hard links to those of the other and take no space of their own. The file for devices is made and
    judged anew, on `photos`. Returns its path. The version must pass `require_recalibratable`.
    """
    saved_model = read_saved_model(version)
    values: dict[str, npt.ArrayLike] = {
        TEMPERATURE: np.float32(card.temperature),
        QUANTILES: quantile_values(card.familiarity),
    }
    for meta_graph in saved_model.meta_graphs:
        replace_constants(meta_graph.graph_def, values)

    def write(folder: Path) -> None:
        write_with_card(folder, saved_model, card)
        write_with_card(folder, saved_model, replace(card, on_device=add_on_device(folder, card, photos)))

    return write_copy(model, version, REWRITTEN, write, shelved=shelved)


def require_recalibratable(version: Path) -> None:
    """Raise `CalibrationError` for a version that an older release exported: it has no place for these numbers."""
    for meta_graph in read_saved_model(version).meta_graphs:
        if not {TEMPERATURE, QUANTILES, CARD} <= constants(meta_graph.graph_def).keys():
            raise CalibrationError(
                f"Version {version.name} was exported by an older release and cannot be calibrated. "
                "Export or train it again."
            )
