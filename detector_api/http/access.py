"""API keys: with `Settings.api_keys`, calls of /api/ must bring one of them.

Closed are /api/ and, by nginx, which asks /api/v1/access first, TensorFlow Serving's /v1/. Public are the page, the
versions' files for devices below /models/, which must be there when the gateway is not, the probes and the OpenAPI
document, which tells a stranger only how to call; nginx limits their rate. Metrics are for machines inside, which hold
no secret: nginx does not pass them on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import Scope

from detector_api.errors import UnauthorizedError

# For the OpenAPI document, and to read the headers; the error is ours.
BEARER = HTTPBearer(scheme_name="Bearer", auto_error=False)
HEADER = APIKeyHeader(scheme_name="X-API-Key", name="X-API-Key", auto_error=False)


class Callers:
    """Identities of callers: their API keys' digests if keys are asked for, else their addresses."""

    def __init__(self, keys: tuple[SecretStr, ...]) -> None:
        self._digests = [_digest(key.get_secret_value()) for key in keys]

    def identify(self, scope: Scope) -> str:
        """Return the identity of a request's caller; raises `UnauthorizedError` if it brings none of the keys."""
        if not self._digests:
            host, _ = scope.get("client") or ("", 0)
            return _network(host)
        headers = Headers(scope=scope)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        brought = _digest((scheme.lower() == "bearer" and key) or headers.get("x-api-key", ""))
        # All are compared, each in constant time: how long it takes tells nothing of the keys.
        if not sum(hmac.compare_digest(brought, digest) for digest in self._digests):
            raise UnauthorizedError
        return brought.hex()


async def require_key(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    header: Annotated[str | None, Security(HEADER)],
) -> None:
    """Raise `UnauthorizedError` unless a request brings a key that is known; the parameters are for OpenAPI."""
    request.app.state.callers.identify(request.scope)


def is_from_another_site(headers: Headers, allowed_origins: Collection[str]) -> bool:
    """Tell whether a browser sends the request for a page of another site than this one and those allowed.

    Browsers say so in headers that a page cannot change; programs send none of them.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return origin not in allowed_origins and urlsplit(origin).netloc != headers.get("host")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _network(address: str) -> str:
    """Return an address, and of IPv6 the /64 that one client has to itself."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
