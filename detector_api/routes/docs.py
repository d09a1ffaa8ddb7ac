"""API documentation at /docs: a viewer of the OpenAPI document from a package, with no request to another host."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.util import find_spec

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

# Of the extra `docs`. Its own app is not used: only the viewer's files, which it brings along.
PACKAGE = "fastapi_offline"


def add_docs(app: FastAPI) -> None:
    """Serve /docs, if the extra `docs` is installed."""
    if find_spec(PACKAGE) is None:
        return
    page = bytes(
        get_swagger_ui_html(
            openapi_url=str(app.openapi_url),
            title=app.title,
            swagger_js_url="/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/docs/static/swagger-ui.css",
            swagger_favicon_url="/docs/static/favicon.png",
        ).body
    )
    policy = {"Content-Security-Policy": _policy(page)}

    async def show_docs(request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=policy)

    app.router.routes += [
        Route("/docs", show_docs),
        Mount("/docs/static", StaticFiles(packages=[(PACKAGE, "static")])),
    ]


def _policy(page: bytes) -> str:
    """Return the policy under which the page runs the viewer and its own one script, and nothing else."""
    script = re.search(rb"<script>(.*?)</script>", page, re.DOTALL)
    assert script, "FastAPI's page starts the viewer with a script of its own"
    digest = base64.b64encode(hashlib.sha256(script[1]).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
