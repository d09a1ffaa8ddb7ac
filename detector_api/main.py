"""The gateway's app: TensorFlow Serving's client behind, HTTP in front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from detector_api.http.problems import answer_problems
from detector_api.prediction.predictor import Predictor
from detector_api.routes import health, metrics, model, predictions
from detector_api.serving.serving_client import ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.middleware import Telemetry


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without `settings` they are read from the environment."""
    settings = settings or Settings()
    client = ServingClient(settings.serving_address, settings.model_name, settings.deadline_seconds)
    predictor = Predictor(client, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        predictor.close()
        await client.close()

    app = FastAPI(title="Dog breed detector", version="1", summary="A photo in, a breed out.", lifespan=lifespan)
    app.state.settings, app.state.serving_client = settings, client
    app.state.predictor = predictor
    app.state.metrics = Metrics(settings.model_name)
    answer_problems(app)
    if settings.cors_origins:  # The page has the gateway's own origin and needs none of this.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            expose_headers=["X-Request-ID"],
        )
    app.add_middleware(Telemetry, metrics=app.state.metrics)
    for resource in (predictions, model, health, metrics):
        app.include_router(resource.router)
    return app
