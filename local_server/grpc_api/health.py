"""The standard health service of gRPC, with the names that TensorFlow Serving gives its services there."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

_NAMES = (health.OVERALL_HEALTH, "ModelService", "PredictionService")


def add_health_service(server: grpc.Server) -> None:
    """Let the server answer `grpc.health.v1`; it is healthy as long as it answers."""
    servicer = health.HealthServicer()
    for name in _NAMES:
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
