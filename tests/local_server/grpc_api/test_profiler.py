"""The profiler, on the port of the other services."""

from __future__ import annotations

import threading

import grpc
import pytest
import tensorflow as tf

from local_server.grpc_api.profiler import ProfilerProxy


def test_trace_by_tensorflows_client_yields_a_profile(started, models, connect, tmp_path, free_ports):
    """TensorFlow's own client takes a trace of a server that answers requests."""
    grpc_port, rest_port = free_ports(2)
    models.install(tmp_path / "gadgets")
    flags = (f"--port={grpc_port}", f"--rest_api_port={rest_port}", "--enable_profiler=true")
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


@pytest.mark.parametrize("enabled", [True, False])
def test_profile_is_answered_by_flag(models, run_server, tmp_path, monkeypatch, enabled):
    """With --enable_profiler=false there is no such service; other unknown services there are in no case."""
    monkeypatch.setattr("local_server.grpc_api.profiler._profiler", lambda: pytest.fail("not to be called"))
    models.install(tmp_path)
    client = run_server(tmp_path, enable_profiler=enabled)
    names = ["/tensorflow.Profiler/Profile"] if enabled else ["/tensorflow.ProfilerService/Profile"]
    for name in names:
        with pytest.raises(grpc.RpcError) as error:
            client.channel.unary_unary(name)(b"", timeout=60)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert ProfilerProxy() is not None
