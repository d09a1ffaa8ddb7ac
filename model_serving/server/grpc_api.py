"""The gRPC API: TensorFlow Serving's PredictionService and ModelService, as far as this server has them.

Calls that it does not have (Classify, Regress, MultiInference, HandleReloadConfigRequest) answer UNIMPLEMENTED.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from model_serving.server import model_info
from model_serving.server.errors import Code, DeadlineExceededError, InvalidArgumentError, as_serving_error
from model_serving.server.manager import Manager
from model_serving.server.predict import DEFAULT_SIGNATURE, predict
from model_serving.server.tensors import fill_proto

# Longer messages would overflow the HTTP/2 header they travel in.
MAX_MESSAGE_CHARACTERS = 1024
_TRUNCATED = "...TRUNCATED"

_MAX_RECEIVE_BYTES = 2**31 - 1
_UNLIMITED = -1
_NO_DEADLINE_SECONDS = 365 * 24 * 3600  # gRPC tells "none" as a deadline in the far future

_STATUS = {code.value[0]: code for code in grpc.StatusCode}

_log = logging.getLogger(__name__)


def serve(
    manager: Manager, addresses: list[str], threads: int, channel_arguments: str, as_content: bool
) -> grpc.Server:
    """Start serving on the addresses (`host:port` or `unix:path`); return the server.

    Raises RuntimeError if one cannot be bound.
    """
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
            ("grpc.max_send_message_length", _UNLIMITED),
            ("grpc.so_reuseport", 0),  # or a second server would silently share the port
            *_parsed(channel_arguments),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(manager, as_content), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(manager), server)
    for address in addresses:
        server.add_insecure_port(address)
    server.start()
    return server


def _answering(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Turn whatever a call raises into its gRPC status, and refuse a request with no ModelSpec."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            if not request.HasField("model_spec"):
                raise InvalidArgumentError("Missing ModelSpec")
            return method(self, request, context)
        except Exception as exception:
            error = as_serving_error(exception)
            if error.code is Code.UNKNOWN:
                _log.exception("%s failed", method.__name__)
        message = error.message
        if len(message) > MAX_MESSAGE_CHARACTERS:
            message = message[:MAX_MESSAGE_CHARACTERS] + _TRUNCATED
        return context.abort(_STATUS[error.code], message)

    return answer


# The methods' names are the protocol's.


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers predictions and questions about signatures."""

    def __init__(self, manager: Manager, as_content: bool) -> None:
        self._manager = manager
        self._as_content = as_content

    @_answering
    def Predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run a signature on the request's tensors."""
        response = predict_pb2.PredictResponse()
        spec = request.model_spec
        with self._manager.acquire(spec) as (version, servable):
            outputs = predict(
                servable, spec.signature_name, request.inputs, request.output_filter, _timeout_ms(context)
            )
        response.model_spec.name = spec.name
        response.model_spec.signature_name = spec.signature_name or DEFAULT_SIGNATURE
        response.model_spec.version.value = version
        for alias, array in outputs.items():
            fill_proto(response.outputs[alias], array, self._as_content)
        return response

    @_answering
    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> Any:
        """Tell a version's signatures."""
        return model_info.metadata(self._manager, request)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers questions about versions."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    @_answering
    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> Any:
        """Tell the state of a model's versions."""
        return model_info.status(self._manager, request.model_spec)


def _timeout_ms(context: grpc.ServicerContext) -> int | None:
    seconds = context.time_remaining()
    if seconds is None or seconds > _NO_DEADLINE_SECONDS:
        return None
    if seconds <= 0:
        raise DeadlineExceededError("Deadline exceeded.")
    return max(1, int(seconds * 1000))


def _parsed(channel_arguments: str) -> list[tuple[str, int | str]]:
    pairs = (argument.partition("=") for argument in channel_arguments.split(",") if argument)
    return [(key, int(value) if value.lstrip("-").isdigit() else value) for key, _, value in pairs]
