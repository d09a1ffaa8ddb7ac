"""A call of TensorFlow Serving: its retries, and the error that its failure becomes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import grpc.aio

from detector_api import errors
from detector_api.telemetry.record import current_record

# A server that ends takes its calls with it. All that is called here only reads, so it may be called again, and then
# goes to another server; four that end under one call are no ordinary day. The waits let a broken connection be known.
BACKOFFS_SECONDS = (0.02, 0.04, 0.08)
# Of a connection that broke, and of a server that shuts down.
RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
# A server whose queue is full says UNAVAILABLE, too. Its neighbours are hardly better off, and asking again adds to it.
QUEUE_FULL = "batch scheduling queue"
# What it says, with INVALID_ARGUMENT, of a label that it does not know.
UNKNOWN_LABEL = "Unrecognized servable version label"

ERRORS = {
    grpc.StatusCode.UNAVAILABLE: errors.ModelUnavailableError,
    grpc.StatusCode.CANCELLED: errors.ModelUnavailableError,
    grpc.StatusCode.NOT_FOUND: errors.ModelNotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.OverloadedError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineError,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InputRejectedError,
}


async def call(method: grpc.aio.UnaryUnaryMultiCallable, request: bytes, deadline: float) -> Any:
    """Call one server, and another if that one ends, until `deadline`, in monotonic seconds, for all of it.

    `request` is serialised already. The server is told how much of it remains. May raise a `ServingError`.
    """
    record = current_record()
    backoffs = iter(BACKOFFS_SECONDS)
    while True:
        try:
            reply = await method(request, timeout=deadline - time.monotonic(), metadata=record.metadata())
        except grpc.aio.AioRpcError as error:
            backoff = next(backoffs, None)
            if backoff is None or not _is_passing(error) or time.monotonic() + backoff >= deadline:
                raise _failure(error) from error
            record.retried(error.code().name)
            await asyncio.sleep(backoff)
        else:
            if reply is None:  # what gRPC returns for bytes that do not parse
                raise errors.ModelAnswerError("the reply is no protobuf")
            return reply


def _is_passing(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether another server may succeed: the error is neither the request's nor that of all servers."""
    return error.code() in RETRIED and QUEUE_FULL not in (error.details() or "")


def _failure(error: grpc.aio.AioRpcError) -> errors.ServingError:
    reason = f"{error.code().name}: {error.details()}"
    if QUEUE_FULL in reason:
        return errors.OverloadedError(reason)
    if UNKNOWN_LABEL in reason:
        return errors.UnknownLabelError(reason)
    return ERRORS.get(error.code(), errors.ModelAnswerError)(reason)
