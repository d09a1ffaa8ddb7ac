"""The server as a whole takes its places from whoever left them."""

from __future__ import annotations

import socket

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from local_server.errors import InvalidArgumentError

TIMEOUT = 60


def predict(unix):
    """Ask over a Unix socket; return the answer for 0."""
    with grpc.insecure_channel(f"unix:{unix}") as channel:
        request = predict_pb2.PredictRequest(model_spec={"name": "gadgets"})
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([0.0]))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=TIMEOUT).outputs["y"].float_val[0]


def test_start_on_socket_left_over_replaces_it(models, run_server, tmp_path):
    """The socket file of a server that was killed does not keep the next one from starting."""
    models.install(tmp_path / "gadgets")
    unix = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(unix))
    run_server(tmp_path / "gadgets", grpc_socket_path=str(unix))
    assert predict(unix) == 2.0


def test_start_on_socket_of_another_takes_it_over(models, run_server, tmp_path):
    """A second server takes the socket's name, as gRPC does it everywhere; the first one goes on at its port."""
    models.install(tmp_path / "old", bias=2.0)
    models.install(tmp_path / "new", bias=3.0)
    unix = str(tmp_path / "socket")
    first = run_server(tmp_path / "old", grpc_socket_path=unix)
    assert predict(unix) == 2.0
    run_server(tmp_path / "new", grpc_socket_path=unix)
    assert predict(unix) == 3.0
    assert first.predict(x=[0.0]).outputs["y"].float_val[0] == 2.0


def test_start_with_equal_ports_serves_grpc_alone(models, run_server, tmp_path, free_port, caplog):
    """As in TensorFlow Serving, the REST API is skipped with a line in the log."""
    models.install(tmp_path)
    client = run_server(tmp_path, port=free_port, rest_api_port=free_port)
    assert list(client.predict(x=[1.0]).outputs["y"].float_val) == [2.5]
    assert "Skipped exporting HTTP/REST API." in caplog.text


def test_start_with_file_uri_serves_the_folder(models, run_server, tmp_path):
    """A base path may be a URI."""
    models.install(tmp_path)
    assert run_server(f"file://{tmp_path}").predict(x=[1.0]).model_spec.version.value == 1


def test_start_with_relative_base_path_is_refused(run_server):
    """As in TensorFlow Serving, the path must be absolute."""
    with pytest.raises(InvalidArgumentError, match=r"absolute path or URI; got base_path\(\)=models/gadgets"):
        run_server("models/gadgets")
