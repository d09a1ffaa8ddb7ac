"""Liveness and readiness, for orchestrators and load balancers."""

from __future__ import annotations

from fastapi import APIRouter

from detector_api import errors
from detector_api.dependencies import CurrentReadiness
from detector_api.http.problems import responses
from detector_api.schemas import Health

router = APIRouter(tags=["health"])


@router.get("/livez", responses=responses())
async def check_alive() -> Health:
    """Tell that the process answers, whatever the state of the model."""
    return Health(status="ok")


@router.get(
    "/readyz",
    responses=responses(*errors.MODEL_ERRORS),
)
async def check_ready(readiness: CurrentReadiness) -> Health:
    """Tell that a photo sent now would be answered: the server answers, and a version of the model is available."""
    await readiness.check()
    return Health(status="ok")
