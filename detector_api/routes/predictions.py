"""Predictions: one photo, or many as a stream of JSON lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from detector_api.dependencies import (
    Caller,
    CountPhoto,
    CurrentAnswerMetrics,
    CurrentMetrics,
    CurrentPredictor,
    CurrentSettings,
    UploadMemory,
    uploaded_photo,
)
from detector_api.errors import BODY_ERRORS, MODEL_ERRORS, PHOTO_ERRORS
from detector_api.http.departure import until_departure
from detector_api.http.multipart import FIELDS
from detector_api.http.problems import responses
from detector_api.http.uploads import read_photos, require_photo
from detector_api.routes.prediction_stream import PredictionStream
from detector_api.schemas import ErrorLine, PredictionLine, PredictionReply
from model_serving.photos.found import Find
from model_serving.photos.labels import TOP_K

router = APIRouter(prefix="/api/v1", tags=["predictions"])

# From a proxy that cannot pass an answer on while it still sends the body.
AFTER_BODY = "X-Answer-After-Body"

TopK = Annotated[int, Query(ge=1, le=TOP_K, description="How many classes to name.")]
FindDogs = Annotated[
    Find,
    Query(
        description="Search the whole photo, where the model is of dogs: `auto` where the centre shows no dog or no "
        "breed that is near to sure; `all` always, and add `dogs`; `no` never.",
    ),
]
Explain = Annotated[bool, Query(description="Add `heatmap`: where the likeliest class was seen.")]


class LineResponse(StreamingResponse):
    """A stream of JSON lines, made while the body is still being read.

    Starlette's own would wait for the caller's leaving by receiving, and so take the body away from who reads it, who
    notices that as well.
    """

    media_type = "application/x-ndjson"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines, after the head of the response with the first; stop the work for them if that fails."""
        async with until_departure(scope, looks_out=True), aclosing(self.body_iterator) as lines:  # type: ignore[type-var]
            has_begun = False
            async for line in lines:
                if not has_begun:
                    await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                    has_begun = True
                await send({"type": "http.response.body", "body": line, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def describe_body(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """Describe a body: FastAPI would do it if it parsed it itself; `http/uploads.py` says why it must not."""
    name, *others = FIELDS
    described = schema | {"description": f"{description} The names {' and '.join(others)} are read as well."}
    form = {"type": "object", "properties": {name: described}, "required": [name]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


FILE = {"type": "string", "format": "binary"}
# FastAPI describes what is no JSON document as a string.
LINES: dict[str, Any] = {
    "schema": {
        "type": "object",
        "anyOf": [{"$ref": f"#/components/schemas/{line.__name__}"} for line in (PredictionLine, ErrorLine)],
    }
}


@router.post(
    "/predict_breed",
    response_model_exclude_unset=True,
    openapi_extra=describe_body(FILE, "The photo: JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF or AVIF."),
    responses=responses(*PHOTO_ERRORS, *MODEL_ERRORS),
)
async def predict_breed(
    request: Request,
    predictor: CurrentPredictor,
    settings: CurrentSettings,
    answer_metrics: CurrentAnswerMetrics,
    caller: Caller,
    top_k: TopK = TOP_K,
    explain: Explain = False,
    find: FindDogs = "auto",
) -> PredictionReply:
    """Name the class of one photo, such as the breed of its dog. Of several photos in the body, the first is taken."""
    async with uploaded_photo(request, caller) as photo:
        answer = await predictor.predict(photo, caller=caller, find=find, explain=explain)
    answer_metrics.count_answer(answer)
    return PredictionReply.of(answer, settings.model_name, top_k)


@router.post(
    "/predict_breeds",
    response_class=LineResponse,
    response_model=PredictionLine | ErrorLine,
    response_description="A JSON object a line: one for each photo as soon as it is done, in that order.",
    openapi_extra=describe_body(
        {"type": "array", "items": FILE, "minItems": 1},
        "The photos, each a part of this name: as for `/api/v1/predict_breed`.",
    ),
    responses=responses(*BODY_ERRORS) | {200: {"content": {LineResponse.media_type: LINES}}},
)
async def predict_breeds(
    request: Request,
    predictor: CurrentPredictor,
    settings: CurrentSettings,
    metrics: CurrentMetrics,
    answer_metrics: CurrentAnswerMetrics,
    caller: Caller,
    memory: UploadMemory,
    count_photo: CountPhoto,
    top_k: TopK = TOP_K,
    explain: Explain = False,
    find: FindDogs = "auto",
) -> LineResponse:
    """Name the class of each of many photos. One that cannot be answered has its `error` in its own line.

    Lines come while photos are still being sent. A last line without `index` tells why the rest was not read.
    """

    one_by_one = asyncio.Lock()

    async def predict(photo: bytes) -> PredictionReply:
        count_photo()
        answer = await predictor.predict(photo, caller=caller, stream=one_by_one, find=find, explain=explain)
        answer_metrics.count_answer(answer)
        return PredictionReply.of(answer, settings.model_name, top_k)

    async def lines() -> AsyncIterator[bytes]:
        with memory.reserve(caller, settings.max_wait_seconds) as held:
            uploads = await require_photo(read_photos(request, settings, settings.max_stream_bytes, held))
            stream = PredictionStream(uploads, predict, held, settings, metrics)
            async with aclosing(stream.lines(request, after_body=AFTER_BODY in request.headers)) as done:
                async for line in done:
                    yield line.model_dump_json(exclude_unset=True).encode() + b"\n"

    return LineResponse(lines())
