"""The executable starts, says why it cannot, and stops as a service should."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

TIMEOUT = 60
EXECUTABLE = Path(sys.executable).with_name("tensorflow_model_server")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_by_signal_finishes_requests_and_exits_with_0(
    started, models, gate, eventually, tmp_path, free_port, number
):
    """On SIGTERM or SIGINT a request in flight still gets its answer, new ones do not, and the exit status is 0."""
    base_path, unix = tmp_path / "default", tmp_path / "socket"
    models.install(base_path)
    with started(f"--port={free_port}", f"--grpc_socket_path={unix}", f"--model_base_path={base_path}") as process:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"unix:{unix}"))
        request = predict_pb2.PredictRequest(model_spec={"name": "default", "signature_name": "content_of"})
        request.inputs["file"].CopyFrom(tf.make_tensor_proto(str(gate.path)))
        in_flight = stub.Predict.future(request, timeout=TIMEOUT, wait_for_ready=True)
        eventually(gate.has_request)
        process.send_signal(number)
        assert any("Stopping" in line for line in process.stderr)
        assert not in_flight.done()
        gate.open("done")
        assert list(in_flight.result().outputs["content"].string_val) == [b"done"]
        assert process.wait(TIMEOUT) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", free_port))


def test_start_without_versions_waits_for_one(started, models, tmp_path, free_port):
    """With nothing to serve yet the server says so, keeps its ports closed, and opens them when there is a version."""
    with started(f"--port={free_port}", f"--model_base_path={tmp_path}") as process:
        assert any("No versions of servable default found" in line for line in process.stderr)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", free_port))
        models.install(tmp_path)
        assert any("Running gRPC ModelServer at 127.0.0.1" in line for line in process.stderr)
        socket.create_connection(("127.0.0.1", free_port), TIMEOUT).close()


def test_start_on_taken_port_fails_with_its_number(started, models, tmp_path):
    """A port that is in use is named, before the model is loaded, and the exit status is not 0."""
    models.install(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started("--port", port, "--model_base_path", tmp_path) as process:
            _, printed = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 255
    reason = f"Port {port} of 127.0.0.1 cannot be opened: Address already in use"
    assert printed == f"Failed to start server. Error: UNAVAILABLE: {reason}\n"


def test_start_with_broken_model_fails_with_its_error(started, tmp_path, free_port):
    """A model that cannot be loaded ends the start with the reason and an exit status that is not 0."""
    (tmp_path / "1").mkdir()
    with started(f"--port={free_port}", f"--model_base_path={tmp_path}", "--max_num_load_retries=0") as process:
        _, printed = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 255
    assert "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available" in printed
    assert "Could not find SavedModel" in printed


def test_start_with_wrong_config_file_fails_with_the_place(started, tmp_path, free_port):
    """A model configuration that is no such thing ends the start with the place of the mistake and the file's name."""
    file = tmp_path / "models.txt"
    file.write_text("model_config_list: {\n  config: {\n    nome: 'x'\n")
    with started(f"--port={free_port}", f"--model_config_file={file}") as process:
        _, printed = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 255
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig: 3:5: " in printed
    assert printed.endswith(f"Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '{file}'\n")


def test_version_is_printed_whatever_else_is_given(tmp_path):
    """--version needs no model and no free port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        command = [EXECUTABLE, "--version", f"--port={other.getsockname()[1]}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0
    assert done.stdout == f"TensorFlow ModelServer: {tf.__version__}-python\nTensorFlow Library: {tf.__version__}\n"
