"""The gRPC server: its services, addresses and limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from local_server.grpc_api.model_service import ModelService
from local_server.grpc_api.prediction_service import PredictionService
from local_server.grpc_api.profiler import ProfilerProxy
from local_server.lifecycle.manager import ModelManager

_MAX_RECEIVE_BYTES = 2**31 - 1
_UNLIMITED = -1

# The names that TensorFlow Serving gives its services in grpc.health.v1.
_HEALTHY_SERVICES = (health.OVERALL_HEALTH, "ModelService", "PredictionService")


def serve(
    manager: ModelManager,
    addresses: list[str],
    threads: int,
    limit: int,
    channel_arguments: str,
    as_content: bool,
    credentials: grpc.ServerCredentials | None,
    enable_health: bool,
    enable_profiler: bool,
) -> grpc.Server:
    """Start serving on the addresses (`host:port` or `unix:path`), over TLS with credentials; return the server.

    `threads` requests are worked on at once. While `limit` of them are worked on or wait, further ones are refused with
    RESOURCE_EXHAUSTED.
    Raises RuntimeError if one cannot be bound.
    """
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
        options=[
            *_parsed(channel_arguments),  # of an option given twice, gRPC takes the first
            ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
            ("grpc.max_send_message_length", _UNLIMITED),
            ("grpc.so_reuseport", 0),  # or a second server would silently share the port
        ],
        maximum_concurrent_rpcs=limit,
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(manager, as_content), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(manager), server)
    if enable_profiler:
        server.add_generic_rpc_handlers((ProfilerProxy(),))
    if enable_health:
        _add_health_service(server)
    for address in addresses:
        if credentials:
            server.add_secure_port(address, credentials)
        else:
            server.add_insecure_port(address)
    server.start()
    return server


def _parsed(channel_arguments: str) -> list[tuple[str, int | str]]:
    pairs = (argument.partition("=") for argument in channel_arguments.split(",") if argument)
    return [(key, int(value) if value.lstrip("-").isdigit() else value) for key, _, value in pairs]


def _add_health_service(server: grpc.Server) -> None:
    """Answer grpc.health.v1: the server is healthy as long as it answers."""
    servicer = health.HealthServicer()
    for name in _HEALTHY_SERVICES:
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
