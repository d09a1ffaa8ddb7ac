"""A small SavedModel with a signature for each thing to test, and a server over it on sockets of this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from local_server.flags import Options
from local_server.server import Server

v1 = tf.compat.v1

EXECUTABLE = Path(sys.executable).with_name("tensorflow_model_server")

# Nothing here takes a tenth of it, unless the machine is very busy.
TIMEOUT = 60

# What the graph appends to the name of a file it begins to wait for.
BEGUN = ".begun"


def save_model(path: Path, bias: float) -> None:
    """Write a SavedModel: `serving_default` is y = x / 2 + bias, `content_of` waits until a file is not empty."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        half = tf.multiply(x, v1.get_variable("scale", initializer=0.5, use_resource=True), "half")
        y = tf.add(half, v1.get_variable("bias", initializer=bias, use_resource=True), "y")
        a, b = v1.placeholder(tf.float32, [None], "a"), v1.placeholder(tf.float32, [None], "b")
        d = v1.placeholder(tf.float64, [None], "d")
        text = v1.placeholder(tf.string, [None], "text")
        whole = v1.placeholder(tf.int32, [None, 2], "whole")
        file = v1.placeholder(tf.string, [], "file")
        with tf.control_dependencies([tf.io.write_file(file + BEGUN, "")]):
            seen = tf.constant("")
        content = tf.while_loop(lambda seen: tf.equal(seen, ""), lambda seen: tf.io.read_file(file), [seen])
        examples = v1.placeholder(tf.string, [None], "examples")
        features = {"x": tf.io.FixedLenFeature([1], tf.float32), "name": tf.io.FixedLenFeature([], tf.string, "gear")}
        parsed = tf.io.parse_example(examples, features)
        labels = tf.stack([parsed["name"], tf.strings.upper(parsed["name"])], 1)
        signatures = {
            "serving_default": ({"x": x}, {"y": y}),
            "from_the_middle": ({"half": half}, {"y": y}),
            "two": ({"a": a, "b": b}, {"total": a + b, "difference": a - b}),
            "text": ({"text": text}, {"loud": tf.strings.upper(text), "raw_bytes": tf.identity(text)}),
            "number": ({"text": text}, {"number": tf.strings.to_number(text)}),
            "whole": ({"whole": whole}, {"doubled": whole * 2, "wide": tf.cast(whole, tf.float64) / 3}),
            "double": ({"d": d}, {"same": tf.identity(d)}),
            "positive": ({"x": x}, {"positive": tf.boolean_mask(x, x > 0)}),
            "describe": ({}, {"model_card": tf.constant(["card"])}),
            "checked": ({"x": x}, {"y": tf.debugging.check_numerics(x, "long " * 400)}),
            "content_of": ({"file": file}, {"content": tf.identity(content)}),
            "classify": (
                {"inputs": examples},
                {"classes": labels, "scores": tf.concat([parsed["x"], -parsed["x"]], 1)},
            ),
            "regress": ({"inputs": examples}, {"outputs": parsed["x"] / 2 + bias}),
        }
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(path))
        build = v1.saved_model.signature_def_utils.build_signature_def
        info = v1.saved_model.utils.build_tensor_info
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                name: build(
                    {alias: info(tensor) for alias, tensor in inputs.items()},
                    {alias: info(tensor) for alias, tensor in outputs.items()},
                    f"tensorflow/serving/{name if name in ('classify', 'regress') else 'predict'}",
                )
                for name, (inputs, outputs) in signatures.items()
            },
        )
        builder.save()


@dataclass
class Models:
    """Puts versions of the test model into folders."""

    saved: dict[float, Path]

    def install(self, base_path: Path, number: str | int = 1, bias: float = 2.0) -> Path:
        """Copy the model with this bias to `base_path/number`, as exporters do: beside it, then one rename."""
        hidden = base_path / f".{number}"
        shutil.copytree(self.saved[bias], hidden)
        return hidden.rename(base_path / str(number))


@dataclass
class Client:
    """Talks to a server over real sockets."""

    grpc_target: str
    rest_url: str
    channel: grpc.Channel = field(init=False)

    def __post_init__(self) -> None:
        self.channel = grpc.insecure_channel(self.grpc_target, [("grpc.max_receive_message_length", -1)])
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(
        self,
        signature: str = "",
        outputs: Sequence[str] = (),
        version: int = 0,
        label: str = "",
        model: str = "gadgets",
        **inputs: Any,
    ) -> predict_pb2.PredictResponse:
        """Call Predict; inputs are TensorProtos or what makes one."""
        request = predict_pb2.PredictRequest(output_filter=outputs)
        request.model_spec.name = model
        request.model_spec.signature_name = signature
        if version:
            request.model_spec.version.value = version
        if label:
            request.model_spec.version_label = label
        for name, value in inputs.items():
            is_proto = isinstance(value, tf.make_tensor_proto(0).__class__)
            request.inputs[name].CopyFrom(value if is_proto else tf.make_tensor_proto(value))
        return self.predictions.Predict(request, timeout=TIMEOUT)

    def states(self, model: str = "gadgets") -> dict[int, str]:
        """Return the state of each version of a model, in the order told."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        response = self.models.GetModelStatus(request, timeout=TIMEOUT)
        return {version.version: state_name(version.state) for version in response.model_version_status}

    def post(self, body: Any, path: str = "/v1/models/gadgets:predict", **options: Any) -> httpx.Response:
        """POST JSON, or bytes as they are."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx.post(self.rest_url + path, timeout=TIMEOUT, **content, **options)

    def get(self, path: str) -> httpx.Response:
        """GET a path."""
        return httpx.get(self.rest_url + path, timeout=TIMEOUT)


class Gate:
    """Holds requests to `content_of` until it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def has_request(self) -> bool:
        """Tell whether a request is being held."""
        return self.path.with_name(self.path.name + BEGUN).exists()

    def open(self, content: str) -> None:
        """Let the request have its answer."""
        self.path.write_text(content)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate that is closed."""
    return Gate(tmp_path / "gate")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The test model with two biases, to tell versions apart by their answers."""
    folder = tmp_path_factory.mktemp("saved")
    saved = {bias: folder / str(bias) for bias in (2.0, 3.0)}
    for bias, path in saved.items():
        save_model(path, bias)
    return Models(saved)


@contextmanager
def running(base_path: Path, **options: Any) -> Iterator[Client]:
    """Run a server in this process on ports of its own."""
    settings = Options(
        **{
            "host": "127.0.0.1",
            "port": _free_port(),
            "rest_api_port": _free_port(),
            "model_name": "gadgets",
            "model_base_path": str(base_path),
            "max_num_load_retries": 0,
            **options,
        }
    )
    server = Server(settings)
    try:
        server.start()
        yield Client(f"127.0.0.1:{settings.port}", f"http://127.0.0.1:{settings.rest_api_port}")
    finally:
        server.stop()


@pytest.fixture
def run_server() -> Iterator[Callable[..., Client]]:
    """Start servers that stop with the test: `run_server(base_path, flag=value, ...)`."""
    with ExitStack() as stack:
        yield lambda base_path, **options: stack.enter_context(running(base_path, **options))


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the executable; kill it at the end if it is still there."""
    process = subprocess.Popen(
        [EXECUTABLE, "--host=127.0.0.1", *map(str, arguments)], stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session", name="started")
def _started() -> Callable[..., AbstractContextManager[subprocess.Popen[str]]]:
    """Return `started`: a test module cannot import from here."""
    return started


@pytest.fixture(scope="session")
def connect() -> type[Client]:
    """Return `Client`, to be called with the addresses of a server's gRPC and REST APIs."""
    return Client


@pytest.fixture(scope="session")
def client(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that all tests share and none changes; it serves version 1."""
    base_path = tmp_path_factory.mktemp("gadgets")
    models.install(base_path)
    with running(base_path) as client:
        yield client


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds; fail if it takes too long."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "this has not come true in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
