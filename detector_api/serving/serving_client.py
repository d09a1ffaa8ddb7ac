"""A client of TensorFlow Serving, on asyncio, for the signatures of the dog breed model.

The card of the model has the JSON text in its output `model_card`; see `model_card.py`.
"""

from __future__ import annotations

import functools
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import grpc.aio
from pydantic import ValidationError

from detector_api import errors
from detector_api.serving.calls import call
from detector_api.serving.channel import open_channel
from detector_api.serving.circuit import PROBE_SECONDS, Circuit
from detector_api.serving.model_card import ModelCard, ModelVersion
from detector_api.serving.protos import serving_pb2 as pb
from detector_api.serving.target import LATEST, Target
from detector_api.serving.tensors import image_request, read_probabilities, read_strings
from model_serving.photos.geometry import Box

AVAILABLE = "AVAILABLE"

# Signatures of the SavedModel.
PIXELS = "pixels"
EXPLAIN = "explain"
LOCATE = "locate"
DESCRIBE = "describe"


@dataclass(frozen=True)
class Answer:
    """The model's answer for one photo: the likeliest breeds first, probabilities within 0..1.

    For models of older releases `familiarity` is None, and `found_probability` (as `dog_probability`, for a part that
    was found by `locate`) is the same as `dog_probability`.
    """

    version: int
    breeds: list[str]
    probabilities: list[float]
    dog_probability: float
    found_probability: float
    familiarity: float | None
    heatmap: list[list[float]] | None


class ServingClient:
    """Client for the life of the process, on one event loop. Every call may raise a `ServingError`.

    Deadlines are monotonic seconds; without one a call has `deadline_seconds` from its start.
    """

    def __init__(self, address: str, model_name: str, deadline_seconds: float) -> None:
        self._address = address
        self._model_name = model_name
        self._deadline_seconds = deadline_seconds
        self.circuit = Circuit(lambda: self.describe(deadline=time.monotonic() + PROBE_SECONDS))

    async def predict(
        self,
        pixels: bytes,
        size: int,
        *,
        explain: bool = False,
        target: Target = LATEST,
        deadline: float | None = None,
    ) -> Answer:
        """Ask a version about `size` x `size` RGB pixels; `explain` adds the heat map."""
        # No output filter: TensorFlow Serving batches only requests for all outputs of a signature.
        request = image_request(self._spec(EXPLAIN if explain else PIXELS, target), pixels, size, size)
        reply = await self._predict(request, target, deadline)
        shape, breeds = read_strings(reply.outputs, "top_breeds")
        shape_too, probabilities = read_probabilities(reply.outputs, "top_probabilities")
        if not shape == shape_too == [1, len(breeds)]:
            raise errors.ModelAnswerError(f"outputs for one photo have the shapes {shape} and {shape_too}")
        dog_probability = _one(reply, "dog_probability")
        found_probability = (
            _one(reply, "found_probability") if "found_probability" in reply.outputs else dog_probability
        )
        familiarity = _one(reply, "familiarity") if "familiarity" in reply.outputs else None
        if sorted(probabilities, reverse=True) != probabilities:
            raise errors.ModelAnswerError("the breeds are not in order of their probability")
        heatmap = _rows(*read_probabilities(reply.outputs, "heatmap")) if explain else None
        return Answer(_version(reply), breeds, probabilities, dog_probability, found_probability, familiarity, heatmap)

    async def locate(self, pixels: bytes, width: int, height: int, *, target: Target, deadline: float) -> list[Box]:
        """Ask a version that locates where in a whole photo there may be dogs, the likeliest first."""
        request = image_request(self._spec(LOCATE, target), pixels, width, height)
        reply = await self._predict(request, target, deadline)
        shape, edges = read_probabilities(reply.outputs, "boxes")
        shape_too, scores = read_probabilities(reply.outputs, "box_scores")
        if shape != [1, len(scores), 4] or shape_too != [1, len(scores)]:
            raise errors.ModelAnswerError(f"boxes of one photo have the shapes {shape} and {shape_too}")
        boxes = []
        for place, score in enumerate(scores):
            top, left, bottom, right = edges[4 * place : 4 * place + 4]
            if score > 0 and top < bottom and left < right:
                boxes.append(Box(left, top, right - left, bottom - top))
        return boxes

    async def describe(self, target: Target = LATEST, *, deadline: float | None = None) -> ModelVersion:
        """Fetch the card of a version."""
        spec = self._spec(DESCRIBE, target)
        # The input has a default in the model, which not every TensorFlow Serving knows to use.
        unused = pb.TensorProto(dtype=pb.DT_STRING, string_val=[b""])
        unused.tensor_shape.dim.add(size=1)
        request = pb.PredictRequest(model_spec=spec, inputs={"unused": unused})
        reply = await self._predict(request.SerializeToString(), target, deadline)
        _, card = read_strings(reply.outputs, "model_card")
        try:
            return ModelVersion(_version(reply), ModelCard.model_validate_json(card[0]))
        except ValidationError as error:
            raise errors.ModelAnswerError("the model card lacks what the gateway needs") from error

    async def status(self, deadline_seconds: float | None = None) -> dict[int, str]:
        """Return the state of each version that the server knows, such as `AVAILABLE`."""
        state = pb.ModelVersionStatus.State
        request = pb.GetModelStatusRequest(model_spec=self._spec()).SerializeToString()
        deadline = time.monotonic() + (deadline_seconds or self._deadline_seconds)
        reply = await call(self._get_model_status, request, deadline)
        names = {number: name for name, number in state.items()}
        return {one.version: names.get(one.state, "UNKNOWN") for one in reply.model_version_status}

    async def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        self.circuit.close()
        if "_channel" in self.__dict__:
            await self._channel.close()

    @functools.cached_property
    def _channel(self) -> grpc.aio.Channel:
        # Made on first use: it belongs to the event loop that runs then.
        return open_channel(self._address)

    @functools.cached_property
    def _predict_method(self) -> grpc.aio.UnaryUnaryMultiCallable:
        return self._method("PredictionService/Predict", pb.PredictResponse)

    @functools.cached_property
    def _get_model_status(self) -> grpc.aio.UnaryUnaryMultiCallable:
        return self._method("ModelService/GetModelStatus", pb.GetModelStatusResponse)

    def _method(self, name: str, reply_type: Any) -> grpc.aio.UnaryUnaryMultiCallable:
        return self._channel.unary_unary(f"/tensorflow.serving.{name}", None, reply_type.FromString)

    def _spec(self, signature: str = "", target: Target = LATEST) -> pb.ModelSpec:
        spec = pb.ModelSpec(name=self._model_name, signature_name=signature)
        if target.label is not None:
            spec.version_label = target.label
        elif target.version is not None:
            spec.version.value = target.version
        return spec

    async def _predict(self, request: bytes, target: Target, deadline: float | None) -> pb.PredictResponse:
        now = time.monotonic()
        deadline = now + self._deadline_seconds if deadline is None else deadline
        if deadline <= now:
            raise errors.DeadlineError("the deadline had passed before the model was asked")
        with nullcontext() if target.is_trial else self.circuit.watch(deadline):
            return await call(self._predict_method, request, deadline)


def _version(reply: pb.PredictResponse) -> int:
    if not reply.model_spec.HasField("version"):
        raise errors.ModelAnswerError("the reply names no version")
    return reply.model_spec.version.value


def _one(reply: pb.PredictResponse, name: str) -> float:
    """Return the number that an output has for one photo."""
    shape, values = read_probabilities(reply.outputs, name)
    if shape != [1]:
        raise errors.ModelAnswerError(f"the output {name} of one photo has the shape {shape}")
    return values[0]


def _rows(shape: list[int], values: list[float]) -> list[list[float]]:
    if len(shape) != 3 or shape[0] != 1:
        raise errors.ModelAnswerError(f"the heat map has the shape {shape}")
    _, height, width = shape
    return [values[row * width : (row + 1) * width] for row in range(height)]
