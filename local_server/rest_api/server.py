"""HTTP for the REST API: sockets, threads, compressed bodies."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local_server.monitoring import instruments
from local_server.monitoring.metrics import CONTENT_TYPE, exposition
from local_server.rest_api import encode
from local_server.rest_api.api import RestApi

# What a compressed body may become, as in TensorFlow Serving: a few kilobytes of gzip could otherwise fill the memory.
MAX_UNCOMPRESSED_BYTES = 100 * 2**20

_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
_SERVED = re.compile("/v1/.*", re.IGNORECASE | re.DOTALL)
_GZIP = 16 + zlib.MAX_WBITS
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}

_log = logging.getLogger(__name__)


class RestServer:
    """HTTP server of the REST API: a thread with an event loop, and a bounded pool of threads that do the work.

    Predictions are refused with 503 while `limit` requests are worked on or wait. Questions about a model are not, or
    a server with much to do would be taken for one that is broken.
    """

    def __init__(
        self,
        api: RestApi,
        bound: socket.socket,
        threads: int,
        limit: int,
        max_body_bytes: int,
        grace_seconds: int,
        metrics_path: str | None,
        allow_cors: bool,
    ) -> None:
        self._api = api
        self._metrics_path = metrics_path
        self._allow_cors = allow_cors
        self._limit = limit
        self._max_body_bytes = max_body_bytes
        self._requests = 0
        self._socket = bound
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            log_config=None,
            log_level="warning",
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=grace_seconds,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="rest-server")

    def start(self) -> None:
        """Open the port."""
        self._socket.listen()
        self._thread.start()

    def stop(self) -> None:
        """Close the port; return when the requests in flight are answered or the grace is over."""
        self._server.should_exit = True
        self._thread.join()
        self._pool.shutdown(wait=False)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._handle(Request(scope, receive))
        await response(scope, receive, send)

    async def _handle(self, request: Request) -> Response:
        if request.method not in _METHODS:
            return _page(HTTPStatus.NOT_IMPLEMENTED)
        path = request.scope["raw_path"].decode("latin-1")
        if path != self._metrics_path and not _SERVED.fullmatch(path):
            return _page(HTTPStatus.NOT_FOUND)
        query = request.scope["query_string"].decode("latin-1")
        full_path = f"{path}?{query}" if query else path  # TensorFlow Serving takes both for the path
        if path == self._metrics_path:
            return _metrics(full_path, path)
        headers = _CORS_HEADERS if self._allow_cors else None
        if request.method == "OPTIONS":  # a browser asks before a page of another origin may
            named = re.search("https?://", request.headers.get("origin", ""))
            return Response(status_code=200 if named else 400, headers=headers, media_type="application/json")
        body = await self._body(request)
        if body is None:
            refusal = encode.error(f"The request's body is larger than {self._max_body_bytes} bytes")
            return Response(refusal, 413, headers, media_type="application/json")
        if request.method == "POST" and self._requests >= self._limit:
            refusal = encode.error(f"The server is overloaded: {self._requests} requests are not answered yet")
            return Response(refusal, 503, headers, media_type="application/json")
        compressed = "gzip" in request.headers.get("content-encoding", "")
        work = functools.partial(self._answer, request.method, full_path, body, compressed, time.monotonic())
        self._requests += 1
        try:
            status, content = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._requests -= 1
        return Response(content, status, headers, media_type="application/json")

    async def _body(self, request: Request) -> bytes | None:
        """Return a request's body, None as soon as the length announced or received is too large."""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_body_bytes:
            return None
        parts, size = [], 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > self._max_body_bytes:
                return None
        return b"".join(parts)

    def _answer(self, method: str, path: str, body: bytes, compressed: bool, arrival: float) -> tuple[int, bytes]:
        status, text = self._api.answer(method, path, _uncompressed(body) if compressed else body, arrival)
        return status, text.encode("utf-8", "surrogateescape")


def _page(status: HTTPStatus) -> Response:
    """Return an error in the page of libevent, TensorFlow Serving's HTTP server."""
    head = f"<HTML><HEAD>\n<TITLE>{status} {status.phrase}</TITLE>\n</HEAD>"
    content = f"{head}<BODY>\n<H1>{status.phrase}</H1>\n</BODY></HTML>\n"
    return Response(content, status, {"content-type": "text/html"})


def _metrics(asked: str, path: str) -> Response:
    headers = {"content-type": CONTENT_TYPE}
    if asked != path:
        return Response(f"Unexpected path: {asked}. Should be {path}", HTTPStatus.BAD_REQUEST, headers)
    return Response(exposition(instruments.ALL), headers=headers)


def _uncompressed(body: bytes) -> bytes:
    """Return what a compressed body holds; nothing if that fails, for which TensorFlow Serving has no message."""
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(body, MAX_UNCOMPRESSED_BYTES)
    except zlib.error as error:
        _log.warning("A request's body is no valid gzip data: %s", error)
        return b""
    if not reader.eof:
        _log.warning("A request's body is incomplete, or over %d bytes when uncompressed", MAX_UNCOMPRESSED_BYTES)
        return b""
    return content
