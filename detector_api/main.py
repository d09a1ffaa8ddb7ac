"""The gateway's app: TensorFlow Serving's client behind, HTTP in front."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from detector_api.errors import UnauthorizedError
from detector_api.feedback import FeedbackStore
from detector_api.http.access import Callers, require_key
from detector_api.http.early_refusal import EarlyRefusal
from detector_api.http.headers import SecurityHeaders
from detector_api.http.memory_budget import MemoryBudget
from detector_api.http.problems import answer_problems, responses
from detector_api.http.rate_limiter import RateLimiter
from detector_api.prediction.answer_metrics import AnswerMetrics
from detector_api.prediction.predictor import Predictor
from detector_api.routes import access, feedback, health, metrics, model, predictions
from detector_api.routes.docs import add_docs
from detector_api.serving.readiness import Readiness
from detector_api.serving.serving_client import ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.middleware import Telemetry


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without `settings` they are read from the environment."""
    settings = settings or Settings()
    client = ServingClient(settings.serving_address, settings.model_name, settings.deadline_seconds)
    telemetry = Metrics(settings.model_name)
    telemetry.circuit_open.set_function(lambda: client.circuit.is_open)
    predictor = Predictor(client, settings, telemetry)
    traces = None
    if settings.otlp_endpoint:
        from detector_api.telemetry.traces import Traces

        traces = Traces(str(settings.otlp_endpoint))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        predictor.start()
        yield
        predictor.close()
        await client.close()
        if traces:
            await asyncio.to_thread(traces.shutdown)

    app = FastAPI(
        title="Dog breed detector",
        version="1",
        summary="A photo in, its class out: the breed of a dog, or what else the model knows.",
        lifespan=lifespan,
        # FastAPI's own would hold queries, addresses and the text of errors; `telemetry` says what may be told.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,  # the redirection would name the host that the caller names
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call their methods
    )
    app.state.settings, app.state.serving_client = settings, client
    app.state.predictor = predictor
    app.state.readiness = Readiness(client, settings.readiness_deadline_seconds)
    app.state.metrics = telemetry
    app.state.answer_metrics = AnswerMetrics(telemetry.registry)
    app.state.rate_limiter = RateLimiter(settings.photos_per_minute)
    upload_memory = MemoryBudget(
        settings.max_buffered_bytes, max(settings.max_buffered_bytes // 2, settings.max_upload_bytes)
    )
    telemetry.upload_bytes.set_function(lambda: upload_memory.held_bytes)
    app.state.upload_memory = upload_memory
    folder = settings.feedback_folder
    app.state.feedback = folder and FeedbackStore(
        folder, settings.feedback_max_bytes, settings.max_pixels, predictor.pool
    )
    app.state.callers = callers = Callers(settings.api_keys)
    answer_problems(app)
    alone = [f"/api/v1/{name}" for name in ("predict_breed", "feedback")]
    app.add_middleware(EarlyRefusal, paths=alone, check=lambda scope: predictor.check(callers.identify(scope)))
    if settings.cors_origins:  # The page has the gateway's own origin and needs none of this.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Telemetry, metrics=telemetry, traces=traces)
    locked: dict[str, Any] = {}
    if settings.api_keys:
        locked = {"dependencies": [Depends(require_key)], "responses": responses(UnauthorizedError)}
    for resource in (predictions, feedback, model, access):
        app.include_router(resource.router, **locked)
    for resource in (health, metrics):
        app.include_router(resource.router)
    add_docs(app)
    return app
