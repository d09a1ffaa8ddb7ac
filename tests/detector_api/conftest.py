"""A scripted TensorFlow Serving, and real gateways in front of it.

The server is scripted because it plays the faults that a healthy one cannot: slow, absent, garbled, replaced by another
model at a chosen moment. It speaks through `tensorflow_serving.apis`, so what the gateway sends and reads is judged by
upstream's own protos. Sockets, HTTP and gRPC are real.
"""

from __future__ import annotations

import io
import json
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any, ClassVar

import grpc
import httpx
import pytest
import uvicorn
from PIL import Image

from detector_api.http.protocol import server_config
from detector_api.main import create_app
from detector_api.prediction import predictor
from detector_api.settings import Settings
from detector_api.telemetry.logs import JsonFormatter
from model_serving.photos.pool import DecoderPool

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

BREEDS = ["Akita", "Beagle", "Collie", "Dalmatian", "Eurasier", "Finnish Spitz"]
STATES = get_model_status_pb2.ModelVersionStatus.State


class ScriptedServing:
    """TensorFlow Serving with one model, whose answers and faults a test sets as attributes."""

    used_ports: ClassVar[set[int]] = set()

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *options: tuple[str, int]) -> None:
        self.host, self.port, self.options = host, port, options
        self.version = 3
        self.state = STATES.AVAILABLE
        self.card: dict[str, Any] = {
            "name": "dog_breed",
            "head": "trained",
            "backbone": "efficientnet_lite2",
            "input_size": 8,
            "crop": 0.5,
            "breeds": BREEDS,
            "detects_dogs": True,
            "temperature": 1.0,
            "thresholds": {"dog": 0.5, "sure": 0.5},
            "training": None,
            "test": {"photos": 836, "top1": 0.9, "top5": 0.99},
            "created": "2026-11-22T20:00:00Z",
            "data_fingerprint": None,
        }
        self.dog_probability = 0.75
        # Models of older releases have none of these outputs.
        self.familiarity: float | None = None
        self.found_probability: float | None = None
        # From a photo's brightness, 0..1, to its dog probability and the first breed's.
        self.judge: Callable[[float], tuple[float, float]] = lambda _: (self.dog_probability, 0.6)
        # What `locate` answers: top, left, bottom, right, and the score.
        self.boxes: list[tuple[float, float, float, float, float]] = []
        self.checks_size = True
        self.requests: list[predict_pb2.PredictRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.seconds_remaining: list[float] = []  # as each caller's deadline says
        self.before_predict: Callable[[], None] = lambda: None
        self.alter: Callable[[predict_pb2.PredictResponse], Any] = lambda reply: reply
        self.failure: tuple[grpc.StatusCode, str] | None = None
        self.labels: dict[str, int] = {}  # served beside `version`
        self.failures: dict[int, grpc.StatusCode] = {}  # of a version alone
        self.hangs: set[int] = set()
        self.released = threading.Event()
        self.released.set()
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        """Listen, at the same port as before if there was one."""

        def method(function: Callable[..., Any], request_type: Any) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(
                function,
                request_type.FromString,
                lambda reply: reply if isinstance(reply, bytes) else reply.SerializeToString(),
            )

        predict = method(self._predict, predict_pb2.PredictRequest)
        status = method(self._status, get_model_status_pb2.GetModelStatusRequest)
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=self.options)
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": predict}),
                grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", {"GetModelStatus": status}),
            )
        )
        port = self._server.add_insecure_port(self.address)
        # A gateway that has just stopped may still wait to connect to its server's port, and gRPC has the next one
        # wait with it: a new server takes no port that another had.
        while not self.port and port in self.used_ports:
            port = self._server.add_insecure_port(self.address)
        self.port = port
        self.used_ports.add(port)
        self._server.start()

    def stop(self) -> None:
        self.released.set()
        if self._server:
            self._server.stop(0).wait()
            self._server = None

    def begin_stop(self) -> None:
        """Stop while a call is being answered: it is broken off, and no other is accepted."""
        assert self._server
        self._server.stop(0).wait()

    def _status(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._check(request.model_spec, context)
        reply = get_model_status_pb2.GetModelStatusResponse()
        reply.model_version_status.add(version=self.version, state=self.state)
        reply.model_version_status.add(version=self.version - 1, state=STATES.END)
        return reply

    def _predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.seconds_remaining.append(context.time_remaining())
        if request.model_spec.signature_name != "describe":
            self.before_predict()
        self._check(request.model_spec, context)
        version = self._version_asked(request.model_spec, context)
        if version in self.hangs:
            time.sleep(context.time_remaining() + 0.1)
        if version in self.failures:
            context.abort(self.failures[version], "this version alone fails")
        reply = predict_pb2.PredictResponse()
        reply.model_spec.name = request.model_spec.name
        reply.model_spec.signature_name = request.model_spec.signature_name
        reply.model_spec.version.value = version
        for name, value in self._outputs(request, context).items():
            reply.outputs[name].CopyFrom(value)
        return self.alter(reply)

    def _check(self, spec: Any, context: grpc.ServicerContext) -> None:
        self.released.wait(30)
        if self.failure:
            context.abort(*self.failure)
        if spec.name != "dog_breed":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({spec.name})")

    def _version_asked(self, spec: Any, context: grpc.ServicerContext) -> int:
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label" and spec.version_label not in self.labels:
            what = f'Unrecognized servable version label: "{spec.version_label}"'
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, what)
        if choice == "version" and spec.version.value not in (self.version, *self.labels.values()):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(dog_breed, 7)")
        if choice == "version_label":
            return self.labels[spec.version_label]
        return int(spec.version.value) if choice == "version" else self.version

    def _outputs(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> dict[str, Any]:
        if request.model_spec.signature_name == "describe":
            return {"model_card": tf.make_tensor_proto([json.dumps(self.card)])}
        pixels = tf.make_ndarray(request.inputs["pixels"])
        if request.model_spec.signature_name == "locate":
            rows = [*self.boxes, *[(0.0,) * 5] * (8 - len(self.boxes))]
            return {
                "boxes": tf.make_tensor_proto([[row[:4] for row in rows]], tf.float32),
                "box_scores": tf.make_tensor_proto([[row[4] for row in rows]], tf.float32),
            }
        size = self.card["input_size"]
        if self.checks_size and pixels.shape != (1, size, size, 3):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"shape {pixels.shape} at /srv/secret/model")
        # The brightness of the photo tells which one the model saw.
        seen = float(pixels.mean()) / 255
        dog_probability, first = self.judge(seen)
        k = min(5, len(BREEDS))
        outputs = {
            "top_breeds": tf.make_tensor_proto([BREEDS[:k]]),
            "top_probabilities": tf.make_tensor_proto([[first, 0.2, 0.1, 0.05, 0.02][:k]], tf.float32),
            "dog_probability": tf.make_tensor_proto([dog_probability], tf.float32),
            "heatmap": tf.make_tensor_proto([[[0.0, 0.5, 1.0], [seen, seen, seen]]], tf.float32),
        }
        if request.model_spec.signature_name != "explain":
            del outputs["heatmap"]
        for name in ("familiarity", "found_probability"):
            if (value := getattr(self, name)) is not None:
                outputs[name] = tf.make_tensor_proto([value], tf.float32)
        return outputs


@pytest.fixture
def start_serving() -> Iterator[Callable[..., ScriptedServing]]:
    """Start scripted servers that stop with the test: call it with host, port and options of gRPC, or none of them."""
    running: list[ScriptedServing] = []

    def start(*where: Any) -> ScriptedServing:
        server = ScriptedServing(*where)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def serving(start_serving: Callable[..., ScriptedServing]) -> ScriptedServing:
    """A running scripted server."""
    return start_serving()


@pytest.fixture(scope="session")
def gateway_threads() -> Iterator[list[threading.Thread]]:
    """Collect the threads of stopped gateways: each takes a moment to end, and no test has to wait for it."""
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join()


class KeptPool(DecoderPool):
    """A pool that gateways share one after the other: to start its processes takes longer than most tests."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def kept_pools() -> Iterator[Callable[[int], KeptPool]]:
    """Return a function that gives the pool with a number of places."""
    pools: dict[int, KeptPool] = {}
    yield lambda places: pools.setdefault(places, KeptPool(places))
    for pool in pools.values():
        pool.end()


@pytest.fixture(autouse=True)
def share_pools(kept_pools: Callable[[int], KeptPool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gateways of this process share their pools, where a test does not say otherwise."""
    monkeypatch.setattr(predictor, "DecoderPool", kept_pools)


@pytest.fixture
def start_gateway(gateway_threads: list[threading.Thread]) -> Iterator[Callable[..., httpx.Client]]:
    """Start a gateway on a real socket: call it with settings, get a client for it."""
    running: list[tuple[uvicorn.Server, httpx.Client]] = []

    def start(**settings: Any) -> httpx.Client:
        # Listening before the server starts: a client's first connection waits in the queue, and no test has to.
        listener = socket.create_server(("127.0.0.1", 0))
        chosen = Settings(**settings)
        config = server_config(create_app(chosen), chosen, log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        host, port = listener.getsockname()
        client = httpx.Client(base_url=f"http://{host}:{port}", timeout=20)
        gateway_threads.append(thread)
        running.append((server, client))
        return client

    yield start
    for server, client in running:
        client.close()
        server.should_exit = True


@pytest.fixture
def gateway(serving: ScriptedServing, start_gateway: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of a gateway with default limits, in front of the scripted server."""
    return start_gateway(serving_address=serving.address)


@pytest.fixture
def log_lines() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Return a function that waits for the next lines of the gateways' JSON log: a line follows its answer."""
    lines: queue.Queue[str] = queue.Queue()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.put(self.format(record))

    handler, logger = Handler(), logging.getLogger("detector_api")
    handler.setFormatter(JsonFormatter())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda count=1: [json.loads(lines.get(timeout=10)) for _ in range(count)]
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def photo() -> bytes:
    """A small photo, all of one orange."""
    return encode_photo(Image.new("RGB", (40, 30), (255, 128, 0)))


def encode_photo(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
