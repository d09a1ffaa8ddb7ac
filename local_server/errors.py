"""Errors that clients see: a gRPC status code and a message, for either protocol.

    StatusError
    ├── InvalidArgumentError      the request itself is wrong
    ├── DeadlineExceededError     the client's deadline passed
    ├── NotFoundError             no such model or version
    ├── ResourceExhaustedError    the request needs more memory or time than there is
    ├── FailedPreconditionError   the model lacks what was asked for
    ├── UnimplementedError        the server lacks what was asked for
    └── UnavailableError          not at this time: a port is taken, a queue is full, the server stops

Whatever TensorFlow raises becomes a plain `StatusError` with TensorFlow's own code. The wording of messages is that of
TensorFlow Serving wherever a client can see it, since clients match on it.
"""

from __future__ import annotations

from enum import IntEnum

# What a message may quote of one thing that a client sent.
MAX_QUOTED_BYTES = 256

# Longer messages, which TensorFlow's own may be, would overflow the HTTP/2 header that carries gRPC's.
MAX_MESSAGE_CHARACTERS = 1024
_TRUNCATED = "...TRUNCATED"


class Code(IntEnum):
    """The canonical status codes, numbered as gRPC and TensorFlow number them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class StatusError(Exception):
    """A failed call: `code` and `message` reach the client as they are."""

    code = Code.UNKNOWN

    def __init__(self, message: str, code: Code | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class InvalidArgumentError(StatusError):
    """The request itself is wrong."""

    code = Code.INVALID_ARGUMENT


class DeadlineExceededError(StatusError):
    """The client's deadline passed before the answer was there."""

    code = Code.DEADLINE_EXCEEDED


class NotFoundError(StatusError):
    """No such model, or no such version of it."""

    code = Code.NOT_FOUND


class ResourceExhaustedError(StatusError):
    """The request needs more than there is: memory, or time in a queue."""

    code = Code.RESOURCE_EXHAUSTED


class FailedPreconditionError(StatusError):
    """The model lacks what was asked for."""

    code = Code.FAILED_PRECONDITION


class UnimplementedError(StatusError):
    """The server lacks what was asked for."""

    code = Code.UNIMPLEMENTED


class UnavailableError(StatusError):
    """Not at this time: a port is taken, a queue is full, a model goes, the server stops."""

    code = Code.UNAVAILABLE


def as_status_error(error: Exception) -> StatusError:
    """Return the client's error for any exception; TensorFlow's errors keep their code and message."""
    if isinstance(error, StatusError):
        return error
    # TensorFlow's OpError is told by its attributes, so that this module does not import TensorFlow.
    code, message = getattr(error, "error_code", None), getattr(error, "message", None)
    if isinstance(code, int) and isinstance(message, str):
        return StatusError(message, Code(code))
    if isinstance(error, MemoryError):
        return ResourceExhaustedError(f"Out of memory: {error}")
    return StatusError(f"{type(error).__name__}: {error}", Code.UNKNOWN)


def quote(text: str) -> str:
    """Return what a client sent as messages quote it: cut, so that an error is no larger than it needs to be."""
    text = text[:MAX_QUOTED_BYTES]
    while len(text.encode("utf-8", "surrogateescape")) > MAX_QUOTED_BYTES:
        text = text[:-1]
    return text


def truncated(message: str) -> str:
    """Return a message, cut if it is too long."""
    return message if len(message) <= MAX_MESSAGE_CHARACTERS else message[:MAX_MESSAGE_CHARACTERS] + _TRUNCATED
