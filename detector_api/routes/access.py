"""Access: what nginx asks before it passes a call on that the gateway does not see."""

from __future__ import annotations

from fastapi import APIRouter, Response

router = APIRouter(prefix="/api/v1", include_in_schema=False)


@router.get("/access", status_code=204)
async def check_access() -> Response:
    """Tell that whoever calls may: with API keys set, this asks for one as every call of /api/ does."""
    return Response(status_code=204)
