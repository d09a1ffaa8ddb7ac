"""Clients of the first Dog Breed Detector, unchanged, get an answer."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from model_serving.savedmodel.legacy import write_legacy
from tests.real_serving import local_server

START_SECONDS = 120


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A JPEG."""
    file = io.BytesIO()
    noise = np.random.default_rng(7).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(noise).resize((400, 300)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def expected(starter_model: Path, photo: bytes) -> np.ndarray:
    """The photo's probabilities, asked under the names of now."""
    starter = SavedModelServable.load(starter_model / "1", SessionSettings())
    outputs = predict(starter, "", {"image_bytes": np.array([photo], object)})
    starter.close()
    return outputs["probabilities"][0]


@pytest.fixture(scope="module")
def ports(
    starter_model: Path, tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]]
) -> Iterator[tuple[int, int]]:
    """The gRPC and the REST port of a server of the copy."""
    model = tmp_path_factory.mktemp("legacy") / "dog_breed"
    assert write_legacy(model, starter_model / "1") == model / "1"
    grpc_port, rest_port = free_ports(2)
    with local_server(model, grpc_port, f"--rest_api_port={rest_port}"):
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            grpc.channel_ready_future(channel).result(START_SECONDS)
        yield grpc_port, rest_port


def test_predict_of_the_python_client_answers(ports: tuple[int, int], photo: bytes, expected: np.ndarray) -> None:
    """The request of its concurrent client, and of its Node API, and what they read of the answer."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "dog_breed"
    request.model_spec.signature_name = "serving_default"
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(photo, shape=[1]))
    with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
        result = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, 60.0)
    response = np.array(result.outputs["sequential_1"].float_val)
    np.testing.assert_allclose(response, expected, atol=1e-6)
    assert np.argmax(response) == np.argmax(expected)


def test_predict_of_the_page_answers(ports: tuple[int, int], photo: bytes, expected: np.ndarray) -> None:
    """The page's direct call to REST, which looks for the largest number of a bare list."""
    url = f"http://127.0.0.1:{ports[1]}/v1/models/dog_breed:predict"
    body = {"signature_name": "serving_default", "instances": [{"b64": base64.b64encode(photo).decode()}]}
    response = httpx.post(url, json=body, timeout=60).json()["predictions"][0]
    np.testing.assert_allclose(response, expected, atol=1e-6)
    assert response.index(max(response)) == np.argmax(expected)


def test_write_legacy_takes_no_space_for_weights(starter_model: Path, tmp_path: Path) -> None:
    """The weights are the same files; the other signatures stay as they are."""
    copy = write_legacy(tmp_path / "dog_breed", starter_model / "1")
    weights = "variables/variables.data-00000-of-00001"
    assert (copy / weights).stat().st_ino == (starter_model / "1" / weights).stat().st_ino
    servable = SavedModelServable.load(copy, SessionSettings())
    assert set(servable.signatures) == {"serving_default", "pixels", "explain", "locate", "describe"}
    assert list(servable.signatures["serving_default"].outputs) == ["sequential_1"]
    servable.close()
