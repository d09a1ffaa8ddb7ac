"""Signatures of the SavedModel: their names, and the form in which `graph.py` declares them for export and warm-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

SERVING_DEFAULT = "serving_default"
PIXELS = "pixels"
EXPLAIN = "explain"
LOCATE = "locate"
DESCRIBE = "describe"


@dataclass(frozen=True)
class Signature:
    """A signature's tensors by alias, and the values that warm it up.

    `warmup` has a value for each input of one request, recorded for TensorFlow Serving to run before it calls a version
    available. `defaults` are values of inputs that a client may leave out.
    """

    name: str
    inputs: Mapping[str, tf.Tensor]
    outputs: Mapping[str, tf.Tensor]
    warmup: Mapping[str, np.ndarray]
    defaults: Mapping[str, np.ndarray] = field(default_factory=dict)
