"""Common part of the RPC methods: errors become gRPC statuses, deadlines become timeouts."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import grpc

from local_server.errors import Code, DeadlineExceededError, InvalidArgumentError, as_status_error, truncated
from local_server.monitoring.instruments import observed

_NO_DEADLINE_SECONDS = 365 * 24 * 3600  # gRPC tells "none" as a deadline in the far future

# As in TensorFlow Serving: not MultiInference, and no question about a model.
_COUNTED = ("Predict", "Classify", "Regress")

_STATUS = {code.value[0]: code for code in grpc.StatusCode}

_log = logging.getLogger(__name__)


def rpc_method(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Decorate an RPC method: turn exceptions into gRPC statuses, and refuse a request without its ModelSpec.

    Calls that run a model are counted.
    """
    name = method.__name__
    counted = name in _COUNTED

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            with observed(request.model_spec.name, name, "GRPC") if counted else nullcontext():
                if "model_spec" in request.DESCRIPTOR.fields_by_name and not request.HasField("model_spec"):
                    raise InvalidArgumentError("Missing ModelSpec")
                return method(self, request, context)
        except Exception as exception:
            error = as_status_error(exception)
            if error.code is Code.UNKNOWN:
                _log.exception("%s failed", name)
        message = error.message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return context.abort(_STATUS[error.code], truncated(message))

    return answer


def timeout_ms(context: grpc.ServicerContext) -> int | None:
    """Return the milliseconds until the client's deadline, None without one; raise DeadlineExceededError past it."""
    seconds = context.time_remaining()
    if seconds is None or seconds > _NO_DEADLINE_SECONDS:
        return None
    if seconds <= 0:
        raise DeadlineExceededError("Deadline exceeded.")
    return max(1, int(seconds * 1000))
