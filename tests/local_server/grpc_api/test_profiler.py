"""The profiler, on the port of the other services."""

from __future__ import annotations

import threading

import grpc
import pytest
import tensorflow as tf


def test_trace_by_tensorflows_client_yields_a_profile(started, models, connect, tmp_path, free_ports):
    """TensorFlow's own client takes a trace of a server that answers requests."""
    grpc_port, rest_port = free_ports(2)
    models.install(tmp_path / "gadgets")
    flags = (f"--port={grpc_port}", f"--rest_api_port={rest_port}", "--host=0.0.0.0")
    with started(*flags, "--model_name=gadgets", f"--model_base_path={tmp_path / 'gadgets'}") as process:
        assert any("Exporting HTTP/REST API" in line for line in process.stderr)
        client = connect(f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}")
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                client.predict(x=[1.0])

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            tf.profiler.experimental.client.trace(f"grpc://127.0.0.1:{grpc_port}", str(tmp_path / "profile"), 500)
        finally:
            done.set()
            asking.join()
    (profile,) = (tmp_path / "profile").rglob("*.xplane.pb")
    assert profile.stat().st_size > 1000


@pytest.mark.parametrize(
    ("flags", "method"),
    [
        ({"host": "0.0.0.0", "enable_profiler": False}, "/tensorflow.ProfilerService/Profile"),
        ({"host": "127.0.0.1"}, "/tensorflow.ProfilerService/Profile"),
        ({"host": "0.0.0.0"}, "/tensorflow.Profiler/Profile"),
    ],
)
def test_profile_of_a_server_without_profiler_is_unimplemented(models, run_server, tmp_path, flags, method):
    """There is no profiler by its flag, none where its port would be open to more than --host says, and no other."""
    models.install(tmp_path)
    with pytest.raises(grpc.RpcError) as error:
        run_server(tmp_path, **flags).channel.unary_unary(method)(b"", timeout=60)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
