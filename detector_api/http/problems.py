"""Error responses: `application/problem+json` (RFC 9457), in one shape, with the `code` of `errors.py`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detector_api.errors import FeedbackError, GatewayError, InternalError, InvalidRequestError, ServingError
from detector_api.telemetry.record import current_record

MEDIA_TYPE = "application/problem+json"

EXAMPLE_ID = "1f0c4b8e5d3a4c7f9b2e6a8d0c1e3f57"


class Problem(BaseModel):
    """An error's details. `type` is absent, which RFC 9457 reads as: the title is that of the status."""

    code: str = Field(description="Stable name of the error, for programs.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What happened and what to do, for people. Its wording may change.")
    request_id: str = Field(description="Under which the gateway's log has this request; also in X-Request-ID.")


class CatchUnexpected:
    """ASGI middleware that answers unforeseen exceptions, inside the CORS middleware so that its headers are added."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer 500 if that raises before a response has begun."""
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            pass  # Nobody is left to answer.
        except Exception as error:
            if begun:
                raise
            current_record().exception = error
            await respond(InternalError())(scope, receive, send)


def answer_problems(app: FastAPI) -> None:
    """Make every error of the app a problem. Call it before adding middleware whose headers belong on errors too."""
    app.add_exception_handler(GatewayError, _on_gateway_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_middleware(CatchUnexpected)


def responses(*errors: type[GatewayError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI documentation of the errors that a route can answer, grouped by status."""
    documented: dict[int | str, dict[str, Any]] = {}
    every: tuple[type[GatewayError], ...] = (*errors, InternalError)
    for error in every:
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        response = documented.setdefault(
            error.status, {"description": HTTPStatus(error.status).phrase, "content": {MEDIA_TYPE: content}}
        )
        response["content"][MEDIA_TYPE]["examples"][error.code] = {
            "summary": error.__doc__,
            "value": problem(error.status, error.code, error.detail, EXAMPLE_ID).model_dump(),
        }
        if error.retry_after_seconds is not None:
            response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return documented


def problem(status: int, code: str, detail: str, request_id: str) -> Problem:
    """Return the problem of an error."""
    title = HTTPStatus(status).phrase
    return Problem(code=code, title=title, status=status, detail=detail, request_id=request_id)


def _answer(status: int, code: str, detail: str, headers: Mapping[str, str] | None) -> JSONResponse:
    record = current_record()
    record.error_code = code
    return JSONResponse(problem(status, code, detail, record.request_id).model_dump(), status, headers, MEDIA_TYPE)


def respond(error: GatewayError) -> JSONResponse:
    """Return the response for an error; the log gets its reason."""
    if isinstance(error, ServingError | FeedbackError):
        current_record().reason = error.reason
    headers = dict(error.headers)
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return _answer(error.status, error.code, error.detail, headers)


async def _on_gateway_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GatewayError)
    return respond(error)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place, *names = first["loc"]
    return respond(InvalidRequestError(f"{place} parameter {'.'.join(map(str, names))!r}: {first['msg']}"))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer the router's errors: no such page, no such method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_")
    return _answer(status, code, status.description, error.headers)
