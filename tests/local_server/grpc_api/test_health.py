"""The standard health service, by its flag."""

from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT = 60


def check(client, name):
    """Ask for the health of a service."""
    request = health_pb2.HealthCheckRequest(service=name)
    return health_pb2_grpc.HealthStub(client.channel).Check(request, timeout=TIMEOUT).status


def test_check_names_of_upstream_are_serving(models, run_server, tmp_path):
    """The server and its two services are healthy; other names are not known."""
    models.install(tmp_path)
    client = run_server(tmp_path, enable_grpc_healthcheck_service=True)
    for name in ("", "ModelService", "PredictionService"):
        assert check(client, name) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as error:
        check(client, "tensorflow.serving.PredictionService")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_check_without_flag_is_unimplemented(client):
    """Without --enable_grpc_healthcheck_service there is no such service."""
    with pytest.raises(grpc.RpcError) as error:
        check(client, "")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
