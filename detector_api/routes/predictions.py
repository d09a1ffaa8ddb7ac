"""A photo in, a breed out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from detector_api import errors
from detector_api.dependencies import CurrentPredictor, CurrentSettings, UploadedPhoto
from detector_api.http.problems import responses
from detector_api.http.uploads import FIELDS
from detector_api.schemas import PredictionReply

router = APIRouter(prefix="/api/v1", tags=["predictions"])

# FastAPI would describe the body by itself if it parsed it itself; `http/uploads.py` says why it must not.
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        name: {
                            "type": "string",
                            "format": "binary",
                            "description": "The photo: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF."
                            + (f" Another name of {FIELDS[0]}." if name != FIELDS[0] else ""),
                        }
                        for name in FIELDS
                    },
                    "anyOf": [{"required": [name]} for name in FIELDS],
                }
            }
        },
    }
}


@router.post(
    "/predict_breed",
    response_model_exclude_unset=True,
    openapi_extra=BODY,
    responses=responses(
        errors.NoImageError,
        errors.TooLargeError,
        errors.UnsupportedTypeError,
        errors.DamagedImageError,
        errors.InvalidRequestError,
        errors.ModelAnswerError,
        errors.ModelUnavailableError,
        errors.OverloadedError,
        errors.DeadlineError,
    ),
)
async def predict_breed(
    photo: UploadedPhoto,
    predictor: CurrentPredictor,
    settings: CurrentSettings,
    top_k: Annotated[int, Query(ge=1, le=5, description="How many breeds to name.")] = 5,
    explain: Annotated[bool, Query(description="Add `heatmap`: where the breed was seen.")] = False,
) -> PredictionReply:
    """Name the breed of the dog in one photo. Of several photos in the body, the first is taken."""
    answer, model = await predictor.predict(photo, explain=explain)
    return PredictionReply.of(answer, model, settings.model_name, top_k)
