"""ProfilerService, on the port of the other services: its calls are passed on to TensorFlow's own profiler server.

That server takes a port of its own and cannot be stopped, so it starts with the first call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc
import tensorflow as tf

from local_server.system import bind

_SERVICE = "/tensorflow.ProfilerService/"
_LOOPBACK = "127.0.0.1"

_lock = threading.Lock()
_channels: list[grpc.Channel] = []  # to the one profiler server that a process can have


class ProfilerProxy(grpc.GenericRpcHandler):
    """Handler of ProfilerService's methods; it knows neither requests nor replies."""

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler | None:
        """Return the handler of a call, None if another service has it."""
        method = handler_call_details.method
        return grpc.unary_unary_rpc_method_handler(_forward(method)) if method.startswith(_SERVICE) else None


def _forward(method: str) -> Callable[[bytes, grpc.ServicerContext], Any]:
    def forward(request: bytes, context: grpc.ServicerContext) -> Any:
        call = _profiler().unary_unary(method)
        try:
            return call(request, timeout=context.time_remaining(), wait_for_ready=True)
        except grpc.RpcError as error:
            return context.abort(error.code(), error.details())

    return forward


def _profiler() -> grpc.Channel:
    with _lock:
        if not _channels:
            with bind(_LOOPBACK, 0) as free:
                port = free.getsockname()[1]
            tf.profiler.experimental.server.start(port)
            _channels.append(grpc.insecure_channel(f"{_LOOPBACK}:{port}"))
        return _channels[0]
