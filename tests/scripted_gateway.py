"""A gateway that plays what a good one seldom does: busy, gone in the middle of a stream, not a gateway at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PREDICTION = {
    "breed": "Akita",
    "confidence": 0.6,
    "is_dog": True,
    "dog_probability": 0.75,
    "predictions": [{"breed": "Akita", "confidence": 0.6}],
    "model": {"name": "dog_breed", "version": 3},
    "a_field_of_tomorrow": 1,
}


def problem(status: int, code: str) -> dict[str, Any]:
    return {"code": code, "title": "Title", "status": status, "detail": f"Detail of {code}.", "request_id": "id1"}


class ScriptedGateway:
    """Answers each call with the next response scripted for its path; the last one for good."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[tuple[str, dict[str, str], list[bytes]]] = []
        self.replies: dict[str, list[Callable[[], Response]]] = {"/api/v1/predict_breed": [self.answer()]}

    @staticmethod
    def answer() -> Callable[[], Response]:
        return lambda: JSONResponse(PREDICTION)

    @staticmethod
    def problem(status: int, code: str, **headers: str) -> Callable[[], Response]:
        return lambda: JSONResponse(problem(status, code), status, headers, "application/problem+json")

    @staticmethod
    def lines(*lines: dict[str, Any] | str) -> Callable[[], Response]:
        """Stream lines; a string is sent as it is, and a stream that ends in one breaks off there."""

        async def body() -> Any:
            for line in lines:
                yield line if isinstance(line, str) else json.dumps(line) + "\n"
            if isinstance(lines[-1], str):
                raise ConnectionError("the script ends here")

        return lambda: StreamingResponse(body(), media_type="application/x-ndjson")

    async def respond(self, request: Request) -> Response:
        form = await request.form()
        photos = [await photo.read() for _, photo in form.multi_items()]
        self.calls.append((request.url.path, dict(request.headers) | dict(request.query_params), photos))
        replies = self.replies[request.url.path]
        return (replies.pop(0) if len(replies) > 1 else replies[0])()


@contextmanager
def scripted_gateway() -> Iterator[ScriptedGateway]:
    """Run a scripted gateway on a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = ScriptedGateway(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(routes=[Route("/{path:path}", gateway.respond, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield gateway
    server.should_exit = True
    thread.join()
