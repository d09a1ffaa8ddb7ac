"""Warm-up: the requests stored with a model, run before it serves, so that no client pays for the first run."""

from __future__ import annotations

import logging
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from model_serving.server.errors import Code, InvalidArgumentError, ServingError, UnimplementedError
from model_serving.server.inference.predict import predict
from model_serving.server.inference.servable import Servable

MAX_RECORDS = 1_000

_log = logging.getLogger(__name__)


def warm_up(servable: Servable, path: Path, iterations: int = 1) -> None:
    """Run each request in the version's warm-up file `iterations` times; without a file do nothing.

    Raises ServingError if the file is damaged, too long, or holds a request that fails.
    """
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    if not file.exists():
        return
    count = 0
    try:
        for count, record in enumerate(tf.compat.v1.io.tf_record_iterator(str(file)), start=1):
            if count > MAX_RECORDS:
                raise InvalidArgumentError(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}")
            for _ in range(iterations):
                _replay(servable, prediction_log_pb2.PredictionLog.FromString(record))
    except tf.errors.DataLossError as error:
        raise ServingError(
            f"{error.message}. Please verify your warmup data is in TFRecord format.", Code.DATA_LOSS
        ) from error
    _log.info("Ran %d warm-up requests of %s", count, path)


def _replay(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise UnimplementedError(f"Unsupported log_type for warmup: {kind}")
    request = log.predict_log.request
    predict(servable, request.model_spec.signature_name, request.inputs, request.output_filter)
