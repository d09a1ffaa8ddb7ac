"""Security headers on every answer of the gateway, errors included, unless the answer sets them itself."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    # An answer is data. Opened as a page by mistake it may load, run and embed nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # An answer about a photo, or about this very moment.
    "Cache-Control": "no-store",
}

ENCODED_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class SecurityHeaders:
    """ASGI middleware that adds the security headers; the outermost but one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to the answer the headers that it lacks."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                own = {name for name, _ in headers}
                headers += [header for header in ENCODED_HEADERS if header[0] not in own]
            await send(message)

        await self.app(scope, receive, send_with_headers)
