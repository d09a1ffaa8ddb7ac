"""What routes ask for, named once."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from detector_api.http.uploads import read_photo
from detector_api.prediction.predictor import Predictor
from detector_api.serving.serving_client import ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics


def get_settings(request: Request) -> Settings:
    """Return the app's settings."""
    return cast(Settings, request.app.state.settings)


def get_serving_client(request: Request) -> ServingClient:
    """Return the app's one way to TensorFlow Serving."""
    return cast(ServingClient, request.app.state.serving_client)


def get_predictor(request: Request) -> Predictor:
    """Return the app's one predictor."""
    return cast(Predictor, request.app.state.predictor)


def get_metrics(request: Request) -> Metrics:
    """Return the app's metrics."""
    return cast(Metrics, request.app.state.metrics)


CurrentSettings = Annotated[Settings, Depends(get_settings)]
CurrentServingClient = Annotated[ServingClient, Depends(get_serving_client)]
CurrentPredictor = Annotated[Predictor, Depends(get_predictor)]
CurrentMetrics = Annotated[Metrics, Depends(get_metrics)]


async def get_photo(request: Request, settings: CurrentSettings) -> bytes:
    """Return the uploaded photo."""
    return await read_photo(request, settings.max_upload_bytes)


UploadedPhoto = Annotated[bytes, Depends(get_photo)]
