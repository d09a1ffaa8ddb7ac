"""Predictors for `score`: an exported version in this process, or a running server over gRPC."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from model_serving.errors import ScoringError
from model_serving.photos.geometry import Box
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.signatures import DESCRIBE, LOCATE, PIXELS

# A server that is away because it restarts needs half a minute to load and warm its model.
TRIES = 30
RETRY_SECONDS = 2.0
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Score:
    """A model's answer for one photo: the likeliest breeds first, each with its probability, and the version.

    `dog_probability`, `found_probability` (as the first, for a part that was found) and `is_dog` are None if the model
    cannot tell dogs from other things, and `familiarity`, of 100 photos of the model's classes the share that looks
    stranger than this one, if it does not know. `box` is the part of the photo that was judged, where more than the
    centre was asked for; `dogs` are all that were found, if asked for.
    """

    predictions: list[tuple[str, float]]
    dog_probability: float | None
    found_probability: float | None
    is_dog: bool | None
    familiarity: float | None
    version: int
    box: Box | None = None
    dogs: tuple[Score, ...] | None = None


class Predictor(Protocol):
    """A source of scores for pixels uint8 [N, size, size, 3]; up to `concurrency` calls may run at once."""

    card: ModelCard
    concurrency: int

    def score(self, pixels: np.ndarray) -> list[Score]:
        """Return the score of each photo. Raises `ScoringError` if the model no longer answers."""

    def locate(self, whole: np.ndarray) -> list[Box]:
        """Return where in a whole photo uint8 [H, W, 3] there may be dogs, the likeliest first."""

    def close(self) -> None:
        """Free the model, or the connection to it."""


class LocalPredictor:
    """An exported version, run in this process."""

    concurrency = 1  # TensorFlow spreads one batch over all cores

    def __init__(self, version: Path, threads: int = 0) -> None:
        """Load a version, to be run by so many threads; 0 is one for each core."""
        self._model = ExportedModel(version, threads)
        self.card = self._model.card

    def score(self, pixels: np.ndarray) -> list[Score]:
        """Run the signature `pixels`."""
        return _scores(self._model.ask(pixels), self.card, self._model.number)

    def locate(self, whole: np.ndarray) -> list[Box]:
        """Run the signature `locate`."""
        return _boxes(self._model.ask(whole[np.newaxis], LOCATE))

    def close(self) -> None:
        """Free the graph and its weights."""
        self._model.close()


class ServerPredictor:
    """The model `name` of the server at `address` (`host:port`), with no more than `concurrency` requests in flight.

    All photos are answered by `version`, the latest when the job began.
    """

    def __init__(self, address: str, name: str, concurrency: int) -> None:
        self.concurrency = concurrency
        self._name = name
        self._address = address
        self._channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)])
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self.version: int | None = None
        reply = self._call(DESCRIBE, {"unused": np.array([""], object)}, tries=1)
        self.version = reply.model_spec.version.value
        self.card = ModelCard.from_json(tf.make_ndarray(reply.outputs["model_card"])[0])

    def score(self, pixels: np.ndarray) -> list[Score]:
        """Call Predict with the signature `pixels`."""
        reply = self._call(PIXELS, {"pixels": pixels})
        return _scores(_arrays(reply), self.card, reply.model_spec.version.value)

    def locate(self, whole: np.ndarray) -> list[Box]:
        """Call Predict with the signature `locate`."""
        return _boxes(_arrays(self._call(LOCATE, {"pixels": whole[np.newaxis]})))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _call(self, signature: str, inputs: dict[str, np.ndarray], tries: int = TRIES) -> predict_pb2.PredictResponse:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._name
        request.model_spec.signature_name = signature
        if self.version is not None:
            request.model_spec.version.value = self.version
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        while True:
            tries -= 1
            try:
                return self._stub.Predict(request, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or not tries:
                    raise ScoringError(
                        f"The server at {self._address} does not answer: {error.details()}. "
                        "Run the command again to go on."
                    ) from error
            time.sleep(RETRY_SECONDS)


def _arrays(reply: predict_pb2.PredictResponse) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(proto) for name, proto in reply.outputs.items()}


def _boxes(outputs: dict[str, np.ndarray]) -> list[Box]:
    return [
        Box(float(left), float(top), float(right - left), float(bottom - top))
        for (top, left, bottom, right), score in zip(outputs["boxes"][0], outputs["box_scores"][0], strict=True)
        if score > 0
    ]


def _scores(outputs: dict[str, np.ndarray], card: ModelCard, version: int) -> list[Score]:
    return [
        Score(
            [(breed.decode(), float(share)) for breed, share in zip(breeds, shares, strict=True)],
            float(dog) if card.detects_dogs else None,
            float(found) if card.detects_dogs else None,
            bool(dog >= card.thresholds.dog) if card.detects_dogs else None,
            float(familiarity) if card.familiarity.quantiles else None,
            version,
        )
        for breeds, shares, dog, found, familiarity in zip(
            outputs["top_breeds"],
            outputs["top_probabilities"],
            outputs["dog_probability"],
            # Versions of older releases have no such outputs.
            outputs.get("found_probability", outputs["dog_probability"]),
            outputs.get("familiarity", outputs["dog_probability"]),
            strict=True,
        )
    ]
