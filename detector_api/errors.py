"""The errors that a caller can meet; each class carries its HTTP status and stable code.

GatewayError
├── RequestError                  the caller can mend it
│   ├── UnauthorizedError         401 unauthorized, with WWW-Authenticate
│   ├── NoImageError              400 no_image
│   │   └── EmptyImageError       400 empty_image
│   ├── MalformedRequestError     400 malformed_request
│   ├── CrossSiteError            403 cross_site
│   ├── FeedbackOffError          404 feedback_off
│   ├── RequestTimeoutError       408 request_timeout; the connection is closed
│   ├── TooLargeError             413 too_large
│   ├── UnsupportedTypeError      415 unsupported_type
│   ├── DamagedImageError         422 damaged_image
│   ├── InvalidRequestError       422 invalid_request
│   ├── ConsentRequiredError      422 consent_required
│   ├── UnknownBreedError         422 unknown_breed
│   ├── TooManyRequestsError      429 too_many_requests, with Retry-After
│   └── HeadTooLargeError         431 head_too_large
├── ServingError                  the model server did not answer as it should
│   ├── ModelUnavailableError     503 model_unavailable, with Retry-After
│   │   └── ModelNotFoundError    503 model_unavailable, with Retry-After
│   │       └── UnknownLabelError 503 model_unavailable, with Retry-After
│   ├── OverloadedError           503 overloaded, with Retry-After
│   ├── ClosingError              503 closing, in a line of a stream
│   ├── DeadlineError             504 deadline
│   └── ModelAnswerError          502 model_error
│       └── InputRejectedError    502 model_error
├── FeedbackError                 a photo could not be kept
│   ├── FeedbackUnavailableError  503 feedback_unavailable, with Retry-After
│   └── FeedbackFullError         507 feedback_full
└── InternalError                 500 internal_error

`http/problems.py` turns them into responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from model_serving.photos.labels import TOP_K


class GatewayError(Exception):
    """Base of all: `detail` is what the caller reads."""

    status: int
    code: str
    detail: str
    retry_after_seconds: int | None = None
    headers: ClassVar[Mapping[str, str]] = {}


class RequestError(GatewayError):
    """The request cannot be served as it is; `detail` may say it more exactly than the class does."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.detail
        super().__init__(self.detail)


class UnauthorizedError(RequestError):
    """The gateway asks for an API key, and the request brings none that is known."""

    status, code = 401, "unauthorized"
    detail = "This call needs an API key. Please send one as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="dog breed detector"'}


class NoImageError(RequestError):
    """The body is not multipart/form-data, or has no photo in a field that is read."""

    status, code = 400, "no_image"
    detail = "Please send one photo as multipart/form-data in the field 'dog_image'."


class EmptyImageError(NoImageError):
    """The file in the photo's field has no bytes."""

    code = "empty_image"
    detail = "This file is empty. Please choose the photo again."


class MalformedRequestError(RequestError):
    """The bytes received are not HTTP."""

    status, code = 400, "malformed_request"
    detail = "This is not a valid HTTP request."


class RequestTimeoutError(RequestError):
    """The client stopped sending in the middle of its body."""

    status, code = 408, "request_timeout"
    detail = "The rest of the request did not arrive in time. Please send it again."
    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}


class HeadTooLargeError(RequestError):
    """The request's line and headers have too many bytes."""

    status, code = 431, "head_too_large"
    detail = "The request's address and headers are too large. Please send fewer or shorter ones."


class TooLargeError(RequestError):
    """The body has too many bytes, or the photo too many pixels, or it takes too much time or memory to decode."""

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
    detail = f"query parameter 'top_k': Input should be less than or equal to {TOP_K}"


class CrossSiteError(RequestError):
    """A browser sends the photo for a page of another site, which may have its visitors send what they never chose."""

    status, code = 403, "cross_site"
    detail = "Feedback is taken from this service's own page, and from programs."


class FeedbackOffError(RequestError):
    """The settings name no folder to keep photos in."""

    status, code = 404, "feedback_off"
    detail = "This service keeps no photos, and so takes no feedback."


class ConsentRequiredError(RequestError):
    """The sender of a photo has not said that it may be kept."""

    status, code = 422, "consent_required"
    detail = "The photo would be kept for training. If you agree, please send it with keep=true; it was not stored."


class UnknownBreedError(RequestError):
    """The breed, as a class is called here, is none of the served model's."""

    status, code = 422, "unknown_breed"
    detail = "The model does not know this class. See /api/v1/model for what it knows."


class TooManyRequestsError(RequestError):
    """The client has sent as many photos as the settings allow it."""

    status, code = 429, "too_many_requests"
    detail = "You have sent too many photos in a minute. Please send the next one later."
    retry_after_seconds = 1

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


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


class UnknownLabelError(ModelNotFoundError):
    """The server that was asked has no version under the label."""


class OverloadedError(ServingError):
    """The gateway or the server has more work than it takes."""

    status, code = 503, "overloaded"
    detail = "Too many photos are being looked at. Please try again shortly."
    retry_after_seconds = 1

    def __init__(self, reason: str, retry_after_seconds: int = 1) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class ClosingError(ServingError):
    """The gateway is about to end, and reads no more of a stream."""

    status, code = 503, "closing"
    detail = "The service is being restarted. Please send the photos that have no line again."


class DeadlineError(ServingError):
    """The answer did not come within the deadline."""

    status, code = 504, "deadline"
    detail = "The answer took too long. Please try again."


class ModelAnswerError(ServingError):
    """The server refused the question, or its answer is no answer: wrong shape, wrong type, not a number."""

    status, code = 502, "model_error"
    detail = "The model gave no usable answer."


class InputRejectedError(ModelAnswerError):
    """The server refused the pixels, as it does when a model of another input size took the place of the known one."""


class FeedbackError(GatewayError):
    """A photo could not be kept, and nothing of it was; `reason` is for the log and never for the caller."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FeedbackUnavailableError(FeedbackError):
    """The folder cannot be written to."""

    status, code = 503, "feedback_unavailable"
    detail = "The photo could not be stored. Please try again later."
    retry_after_seconds = 60


class FeedbackFullError(FeedbackError):
    """The folder has as many bytes as it may have, or its disk has."""

    status, code = 507, "feedback_full"
    detail = "There is no room for more photos. Thank you all the same."


class InternalError(GatewayError):
    """An error that no other class foresees; its cause is in the log and not in the response."""

    status, code = 500, "internal_error"
    detail = "Something went wrong on our side."


# Groups of errors, for the routes that can answer with them.
BODY_ERRORS = (NoImageError, EmptyImageError, RequestTimeoutError, TooLargeError, InvalidRequestError)
PHOTO_ERRORS = (*BODY_ERRORS, UnsupportedTypeError, DamagedImageError, TooManyRequestsError)
MODEL_ERRORS = (ModelAnswerError, ModelUnavailableError, OverloadedError, DeadlineError)
FEEDBACK_ERRORS = (
    CrossSiteError,
    FeedbackOffError,
    ConsentRequiredError,
    UnknownBreedError,
    FeedbackUnavailableError,
    FeedbackFullError,
)
