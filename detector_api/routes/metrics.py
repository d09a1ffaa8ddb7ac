"""Metrics for Prometheus, from inside: nginx does not pass them on."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from detector_api.dependencies import CurrentMetrics
from detector_api.http.problems import responses

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse, responses=responses())
async def read_metrics(metrics: CurrentMetrics) -> PlainTextResponse:
    """Show what was asked, how long it took, and which version answers."""
    return PlainTextResponse(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
