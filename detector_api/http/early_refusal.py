"""Early refusal: a photo that would be refused whatever it shows costs next to nothing.

Routing, parameters and dependencies take several times as long as to say no; callers who come back at once would take
that time from the photos in work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from detector_api.errors import GatewayError, UnauthorizedError
from detector_api.http.problems import respond
from detector_api.telemetry.record import current_record


class EarlyRefusal:
    """ASGI middleware that answers with the error that `check` raises for a POST to one of `paths`, if it does."""

    def __init__(self, app: ASGIApp, paths: Collection[str], check: Callable[[Scope], None]) -> None:
        self.app = app
        self._paths = frozenset(paths)
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] == "http" and scope["path"] in self._paths and scope["method"] == "POST":
            try:
                self._check(scope)
            except UnauthorizedError:
                pass  # the route says so
            except GatewayError as error:
                current_record().refused_route = scope["path"]
                await respond(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)
