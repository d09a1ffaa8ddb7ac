"""The page, the gateway and TensorFlow Serving's REST API on one port: on a laptop, what nginx does in a container."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import detector_app
from detector_api.errors import TooLargeError, UnauthorizedError
from detector_api.http.problems import respond
from detector_api.http.uploads import too_large
from model_serving.savedmodel.card import ON_DEVICE_FILE

PAGE = Path(detector_app.__file__).parent / "page"
# What of the gateway is reached from outside, as in nginx/default.conf.template, and the API's own documentation.
GATEWAY_PATHS = ("/api/", "/livez", "/readyz", "/docs", "/openapi.json")
# Below the path of a model. Versions on its shelf are not served, nor is anything that is hidden.
_DEVICE_FILE = re.compile(r"(?P<version>[1-9][0-9]*)/on_device\.tflite")
# As in nginx/default.conf.template, on every answer but /docs, whose viewer has a policy of its own.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY_OF_DOCUMENTS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PERMISSIONS_OF_DOCUMENTS = "camera=(), geolocation=(), microphone=()"
# A worker has the policy of its own script, and the one in which the page answers by itself may run WebAssembly.
POLICY_OF_SCRIPTS = "default-src 'none'; script-src 'self'; connect-src 'self'"
POLICY_OF_WEBASSEMBLY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
WEBASSEMBLY_WORKER = "/js/device/worker.js"


class PageFiles(StaticFiles):
    """The page's files, which the browser keeps and asks after by ETag, as those of nginx."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or that it is the one which the browser has."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class DeviceFiles(StaticFiles):
    """The files for devices in the folder of a model, of which a version has one, and nothing else of that folder.

    They stay as they are for ever, as no version is ever overwritten.
    """

    def __init__(self, model: Path) -> None:
        super().__init__(directory=model, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file of `<version>/on_device.tflite`; raises `HTTPException` for any other path."""
        asked = _DEVICE_FILE.fullmatch(path)
        if asked is None or scope["path"].endswith("/"):  # which `path` has lost
            raise HTTPException(404)
        response = await super().get_response(f"{asked['version']}/{ON_DEVICE_FILE}", scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if response.status_code != 304:
            response.headers["Content-Type"] = "application/octet-stream"
        return response


def create_front(gateway: FastAPI, rest_address: str, max_body_bytes: int, model: Path | None = None) -> ASGIApp:
    """Return an app that answers gateway paths by `gateway`, `/v1/` from `rest_address`, and all else by the page.

    Files for devices come from the folder `model`, if there is one. A body for `/v1/` larger than `max_body_bytes` is
    refused; the gateway has a limit of its own.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with (
            gateway.router.lifespan_context(gateway),
            httpx.AsyncClient(base_url=f"http://{rest_address}", timeout=30, trust_env=False) as client,
        ):
            app.state.serving, app.state.max_body_bytes = client, max_body_bytes
            yield

    name = gateway.state.settings.model_name
    page = Starlette(
        routes=[
            Route("/v1/{path:path}", _forward, methods=["GET", "POST"]),
            *([Mount(f"/models/{name}", DeviceFiles(model))] if model else []),
            Mount("/", PageFiles(directory=PAGE, html=True)),
        ],
        lifespan=lifespan,
    )

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/docs"):
            send = _with_security_headers(send, scope["path"])
        # With more slashes, too: the gateway answers `//api/` as it answers every path that it does not know.
        if scope["type"] == "http" and f"/{scope['path'].lstrip('/')}".startswith(GATEWAY_PATHS):
            await gateway(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/v1/") and not _may_call(gateway, scope):
            await respond(UnauthorizedError())(scope, receive, send)
        else:
            await page(scope, receive, send)

    return front


def _may_call(gateway: FastAPI, scope: Scope) -> bool:
    """Tell whether a caller brings the API key that the gateway asks for, if it does."""
    try:
        gateway.state.callers.identify(scope)
    except UnauthorizedError:
        return False
    return True


def _with_security_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(SECURITY_HEADERS)
            if path.endswith((".js", ".css")):
                is_worker = path == WEBASSEMBLY_WORKER
                headers["Content-Security-Policy"] = POLICY_OF_WEBASSEMBLY if is_worker else POLICY_OF_SCRIPTS
            else:
                headers["Content-Security-Policy"] = POLICY_OF_DOCUMENTS
                headers["Permissions-Policy"] = PERMISSIONS_OF_DOCUMENTS
        await send(message)

    return send_with_headers


async def _forward(request: Request) -> Response:
    """Pass a call on to TensorFlow Serving's REST API, and stream its answer back."""
    serving: httpx.AsyncClient = request.app.state.serving
    max_bytes: int = request.app.state.max_body_bytes
    call = serving.build_request(
        request.method,
        request.url.path,
        headers={
            name: value for name, value in request.headers.items() if name in ("content-type", "content-encoding")
        },
        content=_at_most(max_bytes, request) if request.method == "POST" else None,
    )
    try:
        answer = await serving.send(call, stream=True)
    except TooLargeError as error:
        return JSONResponse({"error": error.detail}, error.status)
    except httpx.TransportError:
        return JSONResponse({"error": "The model server does not answer. Please try again in a moment."}, 503)
    return StreamingResponse(
        answer.aiter_raw(),
        answer.status_code,
        headers={name: value for name, value in answer.headers.items() if name.startswith("content-")},
        background=BackgroundTask(answer.aclose),
    )


async def _at_most(max_bytes: int, request: Request) -> AsyncIterator[bytes]:
    """Yield a request's body; raise `TooLargeError` as soon as the length announced or received exceeds `max_bytes`."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large("upload", max_bytes)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > max_bytes:
            raise too_large("upload", max_bytes)
        yield chunk
