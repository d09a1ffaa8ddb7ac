"""The errors that a caller can meet; each class carries its HTTP status and stable code.

GatewayError
├── RequestError                  the caller can mend it
│   ├── NoImageError              400 no_image
│   ├── TooLargeError             413 too_large
│   ├── UnsupportedTypeError      415 unsupported_type
│   ├── DamagedImageError         422 damaged_image
│   └── InvalidRequestError       422 invalid_request
├── ServingError                  the model server did not answer as it should
│   ├── ModelUnavailableError     503 model_unavailable, with Retry-After
│   │   └── ModelNotFoundError    503 model_unavailable, with Retry-After
│   ├── OverloadedError           503 overloaded, with Retry-After
│   ├── DeadlineError             504 deadline
│   └── ModelAnswerError          502 model_error
│       └── InputRejectedError    502 model_error
└── InternalError                 500 internal_error

`http/problems.py` turns them into responses.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Base of all: `detail` is what the caller reads."""

    status: int
    code: str
    detail: str
    retry_after_seconds: int | None = None


class RequestError(GatewayError):
    """The request cannot be served as it is; `detail` may say it more exactly than the class does."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.detail
        super().__init__(self.detail)


class NoImageError(RequestError):
    """The body is not multipart/form-data, or has no photo in a field that is read."""

    status, code = 400, "no_image"
    detail = "Please send one photo as multipart/form-data in the field 'dog_image'."


class TooLargeError(RequestError):
    """The body has too many bytes, or the photo too many pixels."""

    status, code = 413, "too_large"
    detail = "This photo is too large. Please send a smaller version."


class UnsupportedTypeError(RequestError):
    """The bytes are no image of a type that is read, whatever their name or declared type."""

    status, code = 415, "unsupported_type"
    detail = "This file is not a photo of a known type. Please send a JPEG, PNG or WebP."


class DamagedImageError(RequestError):
    """The bytes begin as an image and do not decode."""

    status, code = 422, "damaged_image"
    detail = "This photo is damaged or incomplete. Please save or download it again."


class InvalidRequestError(RequestError):
    """A query parameter is out of its range or of another type."""

    status, code = 422, "invalid_request"
    detail = "query parameter 'top_k': Input should be less than or equal to 5"


class ServingError(GatewayError):
    """The model server did not answer as it should; `reason` is for the log and never for the caller."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ModelUnavailableError(ServingError):
    """The server cannot be reached, or serves no available version of the model."""

    status, code = 503, "model_unavailable"
    detail = "The model is not available at the moment. Please try again shortly."
    retry_after_seconds = 1


class ModelNotFoundError(ModelUnavailableError):
    """The server that was asked does not serve the version, or the model; another server may."""


class OverloadedError(ServingError):
    """The server has more work than it takes."""

    status, code = 503, "overloaded"
    detail = "Too many photos are being looked at. Please try again shortly."
    retry_after_seconds = 1


class DeadlineError(ServingError):
    """The answer did not come within the deadline."""

    status, code = 504, "deadline"
    detail = "The model took too long to answer. Please try again."


class ModelAnswerError(ServingError):
    """The server refused the question, or its answer is no answer: wrong shape, wrong type, not a number."""

    status, code = 502, "model_error"
    detail = "The model gave no usable answer."


class InputRejectedError(ModelAnswerError):
    """The server refused the pixels, as it does when a model of another input size took the place of the known one."""


class InternalError(GatewayError):
    """Anything that no other class foresees; its cause is in the log and not in the response."""

    status, code = 500, "internal_error"
    detail = "Something went wrong on our side."
