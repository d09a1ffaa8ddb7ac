"""API keys: with `Settings.api_keys`, calls of /api/ must bring one of them.

Only /api/ is closed. Probes and metrics are for machines inside, which hold no secret, and the OpenAPI document tells a
stranger only how to call.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from detector_api.errors import UnauthorizedError

# For the OpenAPI document, and to read the headers; the error is ours.
BEARER = HTTPBearer(scheme_name="Bearer", auto_error=False)
HEADER = APIKeyHeader(scheme_name="X-API-Key", name="X-API-Key", auto_error=False)


def require_key(keys: tuple[SecretStr, ...]) -> Callable[..., Awaitable[None]]:
    """Return the dependency that raises `UnauthorizedError` unless a request brings one of the keys."""
    digests = [_digest(key.get_secret_value()) for key in keys]

    async def check_key(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        header: Annotated[str | None, Security(HEADER)],
    ) -> None:
        brought = _digest(bearer.credentials if bearer else header or "")
        # All are compared, each in constant time: how long it takes tells nothing of the keys.
        if not sum(hmac.compare_digest(brought, digest) for digest in digests):
            raise UnauthorizedError
        request.state.client = brought.hex()

    return check_key


def client_of(request: Request) -> str:
    """Return a client's identity: its API key's digest if keys are asked for, else its address."""
    known: str | None = getattr(request.state, "client", None)
    return known or _network(request.client.host if request.client else "")


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
