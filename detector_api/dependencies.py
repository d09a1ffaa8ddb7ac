"""Dependencies of the routes, named once.

All are `async`, though most wait for nothing: FastAPI would run each plain function in a thread, for every request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request

from detector_api.feedback import FeedbackStore
from detector_api.http.departure import until_departure
from detector_api.http.memory_budget import MemoryBudget
from detector_api.http.uploads import read_photo
from detector_api.prediction.answer_metrics import AnswerMetrics
from detector_api.prediction.predictor import Predictor
from detector_api.serving.readiness import Readiness
from detector_api.serving.serving_client import ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics


async def get_settings(request: Request) -> Settings:
    """Return the app's settings."""
    return cast(Settings, request.app.state.settings)


async def get_serving_client(request: Request) -> ServingClient:
    """Return the app's one way to TensorFlow Serving."""
    return cast(ServingClient, request.app.state.serving_client)


async def get_readiness(request: Request) -> Readiness:
    """Return the app's knowledge of the model server's state."""
    return cast(Readiness, request.app.state.readiness)


async def get_predictor(request: Request) -> Predictor:
    """Return the app's one predictor."""
    return cast(Predictor, request.app.state.predictor)


async def get_metrics(request: Request) -> Metrics:
    """Return the app's metrics."""
    return cast(Metrics, request.app.state.metrics)


async def get_answer_metrics(request: Request) -> AnswerMetrics:
    """Return the app's metrics of the model's answers."""
    return cast(AnswerMetrics, request.app.state.answer_metrics)


async def get_feedback(request: Request) -> FeedbackStore | None:
    """Return where the app keeps photos that it may keep, if it does."""
    return cast(FeedbackStore | None, request.app.state.feedback)


CurrentSettings = Annotated[Settings, Depends(get_settings)]
CurrentServingClient = Annotated[ServingClient, Depends(get_serving_client)]
CurrentReadiness = Annotated[Readiness, Depends(get_readiness)]
CurrentPredictor = Annotated[Predictor, Depends(get_predictor)]
CurrentMetrics = Annotated[Metrics, Depends(get_metrics)]
CurrentAnswerMetrics = Annotated[AnswerMetrics, Depends(get_answer_metrics)]
CurrentFeedback = Annotated[FeedbackStore | None, Depends(get_feedback)]


async def get_caller(request: Request) -> str:
    """Return the caller's identity, for what is shared fairly between callers."""
    return cast(str, request.app.state.callers.identify(request.scope))


async def get_upload_memory(request: Request) -> MemoryBudget:
    """Return the memory that the app's uploads share."""
    return cast(MemoryBudget, request.app.state.upload_memory)


Caller = Annotated[str, Depends(get_caller)]
UploadMemory = Annotated[MemoryBudget, Depends(get_upload_memory)]


async def get_count_photo(request: Request, caller: Caller) -> Callable[[], None]:
    """Return what to call once for each photo; it raises `TooManyRequestsError` if that is one too many."""
    return partial(request.app.state.rate_limiter.take, caller)


CountPhoto = Annotated[Callable[[], None], Depends(get_count_photo)]


@asynccontextmanager
async def uploaded_photo(request: Request, caller: str) -> AsyncIterator[bytes]:
    """Yield the photo that a caller uploads.

    When its client leaves, work on it ends with `ClientDisconnect`. Routes call it where they need it, when all else of
    the request is known to be right. As a dependency it would be read before that, and what FastAPI does for one that
    ends takes a tenth of the gateway's time for a photo.
    """
    state = request.app.state
    state.rate_limiter.take(caller)
    async with until_departure(request.scope):
        with state.upload_memory.reserve(caller) as memory:
            yield await read_photo(request, state.settings, memory)
