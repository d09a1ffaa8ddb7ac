"""A client of TensorFlow Serving, on asyncio, for the signatures of the dog breed model.

The card of the model has the JSON text in its output `model_card`; see `model_card.py`.
"""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from pydantic import ValidationError

from detector_api import errors
from detector_api.channel import open_channel
from detector_api.model_card import Model, ModelCard
from detector_api.protos import serving_pb2 as pb
from detector_api.telemetry.record import current
from detector_api.tensors import image_tensor, read_probabilities, read_strings

AVAILABLE = "AVAILABLE"

# A server that ends takes its calls with it. All that is called here only reads, so it may be called again, and then
# goes to another server; four that end under one call are no ordinary day. The waits let a broken connection be known.
BACKOFFS_SECONDS = (0.02, 0.04, 0.08)
# Of a connection that broke, and of a server that shuts down.
RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
# A server whose queue is full says UNAVAILABLE, too. Its neighbours are hardly better off, and asking again adds to it.
QUEUE_FULL = "batch scheduling queue"

ERRORS = {
    grpc.StatusCode.UNAVAILABLE: errors.ModelUnavailableError,
    grpc.StatusCode.CANCELLED: errors.ModelUnavailableError,
    grpc.StatusCode.NOT_FOUND: errors.ModelNotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.OverloadedError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineError,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InputRejectedError,
}


@dataclass(frozen=True)
class Answer:
    """What the model saw in one photo: the likeliest breeds first, probabilities within 0..1."""

    version: int
    breeds: list[str]
    probabilities: list[float]
    dog_probability: float
    heatmap: list[list[float]] | None


class ServingClient:
    """Use one for the life of the process, on one event loop. Every call may raise a `ServingError`."""

    def __init__(self, address: str, model_name: str, deadline_seconds: float) -> None:
        self._address = address
        self._model_name = model_name
        self._deadline_seconds = deadline_seconds

    async def predict(self, pixels: bytes, size: int, *, explain: bool = False) -> Answer:
        """Ask the latest version what it sees in `size` x `size` RGB pixels, and with `explain` where."""
        # No output filter: TensorFlow Serving batches only requests for all outputs of a signature.
        request = pb.PredictRequest(
            model_spec=self._spec(signature="explain" if explain else "pixels"),
            inputs={"pixels": image_tensor(pixels, size)},
        )
        reply = await self._predict(request)
        shape, breeds = read_strings(reply.outputs, "top_breeds")
        shape_too, probabilities = read_probabilities(reply.outputs, "top_probabilities")
        one, dog_probability = read_probabilities(reply.outputs, "dog_probability")
        if not shape == shape_too == [1, len(breeds)] or one != [1]:
            raise errors.ModelAnswerError(f"outputs for one photo have the shapes {shape}, {shape_too} and {one}")
        if sorted(probabilities, reverse=True) != probabilities:
            raise errors.ModelAnswerError("the breeds are not in order of their probability")
        heatmap = _rows(*read_probabilities(reply.outputs, "heatmap")) if explain else None
        return Answer(_version(reply), breeds, probabilities, dog_probability[0], heatmap)

    async def describe(self, version: int | None = None) -> Model:
        """Fetch the card of a version, by default of the latest."""
        spec = self._spec(signature="describe")
        if version is not None:
            spec.version.value = version
        # The input has a default in the model, which not every TensorFlow Serving knows to use.
        unused = pb.TensorProto(dtype=pb.DT_STRING, string_val=[b""])
        unused.tensor_shape.dim.add(size=1)
        reply = await self._predict(pb.PredictRequest(model_spec=spec, inputs={"unused": unused}))
        _, card = read_strings(reply.outputs, "model_card")
        try:
            return Model(_version(reply), ModelCard.model_validate_json(card[0]))
        except ValidationError as error:
            raise errors.ModelAnswerError("the model card lacks what the gateway needs") from error

    async def status(self, deadline_seconds: float | None = None) -> dict[int, str]:
        """Return the state of each version that the server knows, such as `AVAILABLE`."""
        state = pb.ModelVersionStatus.State
        reply = await self._call(
            "/tensorflow.serving.ModelService/GetModelStatus",
            pb.GetModelStatusRequest(model_spec=self._spec()),
            pb.GetModelStatusResponse,
            deadline_seconds or self._deadline_seconds,
        )
        names = {number: name for name, number in state.items()}
        return {one.version: names.get(one.state, "UNKNOWN") for one in reply.model_version_status}

    async def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        if "_channel" in self.__dict__:
            await self._channel.close()

    @functools.cached_property
    def _channel(self) -> grpc.aio.Channel:
        # Made on first use: it belongs to the event loop that runs then.
        return open_channel(self._address)

    def _spec(self, signature: str = "") -> pb.ModelSpec:
        return pb.ModelSpec(name=self._model_name, signature_name=signature)

    async def _predict(self, request: pb.PredictRequest) -> pb.PredictResponse:
        method = "/tensorflow.serving.PredictionService/Predict"
        return await self._call(method, request, pb.PredictResponse, self._deadline_seconds)

    async def _call(self, method: str, request: Any, reply_type: Any, deadline_seconds: float) -> Any:
        """Call one server, and another if that one ends, until the deadline for all of it."""
        call = self._channel.unary_unary(method, type(request).SerializeToString, reply_type.FromString)
        record = current()
        end = time.monotonic() + deadline_seconds
        backoffs = iter(BACKOFFS_SECONDS)
        while True:
            try:
                metadata = (("x-request-id", record.request_id),)
                reply = await call(request, timeout=end - time.monotonic(), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                backoff = next(backoffs, None)
                if backoff is None or not _is_passing(error) or time.monotonic() + backoff >= end:
                    raise _failure(error) from error
                record.retries += 1
                await asyncio.sleep(backoff)
            else:
                if reply is None:  # what gRPC returns for bytes that do not parse
                    raise errors.ModelAnswerError("the reply is no protobuf")
                return reply


def _is_passing(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether the error may be of the one server that was called, rather than of the question or of all."""
    return error.code() in RETRIED and QUEUE_FULL not in (error.details() or "")


def _failure(error: grpc.aio.AioRpcError) -> errors.ServingError:
    reason = f"{error.code().name}: {error.details()}"
    if QUEUE_FULL in reason:
        return errors.OverloadedError(reason)
    return ERRORS.get(error.code(), errors.ModelAnswerError)(reason)


def _version(reply: pb.PredictResponse) -> int:
    if not reply.model_spec.HasField("version"):
        raise errors.ModelAnswerError("the reply names no version")
    return reply.model_spec.version.value


def _rows(shape: list[int], values: list[float]) -> list[list[float]]:
    if len(shape) != 3 or shape[0] != 1:
        raise errors.ModelAnswerError(f"the heat map has the shape {shape}")
    _, height, width = shape
    return [values[row * width : (row + 1) * width] for row in range(height)]
