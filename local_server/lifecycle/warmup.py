"""Warm-up: the requests stored with a model, run before it serves, so that no client pays for the first run."""

from __future__ import annotations

import logging
from pathlib import Path

import tensorflow as tf
from google.protobuf import message
from tensorflow_serving.apis import prediction_log_pb2

from local_server.errors import Code, InvalidArgumentError, StatusError, UnimplementedError
from local_server.inference.classify import CLASSIFY
from local_server.inference.multi_inference import multi_infer
from local_server.inference.predict import predict
from local_server.inference.regress import REGRESS
from local_server.inference.servable import Servable
from local_server.monitoring.instruments import warming_up

MAX_RECORDS = 1_000

_log = logging.getLogger(__name__)


def warm_up(servable: Servable, path: Path, iterations: int = 1) -> int:
    """Run each request in the version's warm-up file `iterations` times, and return their number; 0 without a file.

    Raises StatusError if the file is damaged, too long, or holds a request that fails.
    """
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    if not file.exists():
        return 0
    with warming_up(str(path)):
        count = 0
        try:
            for count, record in enumerate(tf.compat.v1.io.tf_record_iterator(str(file)), start=1):
                if count > MAX_RECORDS:
                    raise InvalidArgumentError(
                        f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}"
                    )
                log = _parsed(record, file)
                for _ in range(iterations):
                    _replay(servable, log)
        except tf.errors.DataLossError as error:
            raise StatusError(
                f"{error.message}. Please verify your warmup data is in TFRecord format.", Code.DATA_LOSS
            ) from error
    _log.info("Ran %d warm-up requests of %s", count, path)
    return count


def _parsed(record: bytes, file: Path) -> prediction_log_pb2.PredictionLog:
    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except message.DecodeError as error:
        raise InvalidArgumentError(f"Failed to parse warmup record: {record!r} from {file}") from error


def _replay(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        predicting = log.predict_log.request
        predict(servable, predicting.model_spec.signature_name, predicting.inputs, predicting.output_filter)
    elif kind == "classify_log":
        classifying = log.classify_log.request
        CLASSIFY.run(servable, classifying.model_spec.signature_name, classifying.input)
    elif kind == "regress_log":
        regressing = log.regress_log.request
        REGRESS.run(servable, regressing.model_spec.signature_name, regressing.input)
    elif kind == "multi_inference_log":
        inferring = log.multi_inference_log.request
        multi_infer(servable, inferring.tasks, inferring.input)
    elif kind is not None:  # a record of nothing is let through
        number = log.DESCRIPTOR.fields_by_name[kind].number
        raise UnimplementedError(f"Unsupported log_type for warmup: {number}")
