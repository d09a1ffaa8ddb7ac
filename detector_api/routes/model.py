"""The served model: its card, version and state."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from detector_api import errors
from detector_api.dependencies import CurrentPredictor, CurrentServingClient, CurrentSettings
from detector_api.http.problems import responses
from detector_api.schemas import DeviceFile, ModelReply
from detector_api.serving.model_card import ModelVersion

router = APIRouter(prefix="/api/v1", tags=["model"])


@router.get(
    "/model",
    response_model_exclude_unset=True,
    responses=responses(*errors.MODEL_ERRORS),
)
async def read_model(
    predictor: CurrentPredictor, client: CurrentServingClient, settings: CurrentSettings
) -> ModelReply:
    """Return the model's card: its classes and what they are, its training, its test figures."""
    try:
        async with asyncio.timeout(settings.deadline_seconds):
            model = await predictor.describe()
            states = await client.status()
    except TimeoutError as error:
        raise errors.DeadlineError("the model was not described in time") from error
    return ModelReply(
        name=settings.model_name,
        version=model.version,
        state=states.get(model.version, "UNKNOWN"),
        card=model.card,
        feedback=settings.feedback_folder is not None,
        on_device=_device_file(settings.model_name, model),
    )


def _device_file(name: str, model: ModelVersion) -> DeviceFile | None:
    """Return where a version's file for browsers and phones is served, None if it has none."""
    told = model.card.on_device
    if told is None or not told.kept or told.size is None or told.sha256 is None:
        return None
    return DeviceFile(url=f"/models/{name}/{model.version}/on_device.tflite", bytes=told.size, sha256=told.sha256)
