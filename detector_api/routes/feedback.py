"""Feedback: a photo and its right breed, kept for training if its sender agrees."""

from __future__ import annotations

import difflib
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from detector_api import errors
from detector_api.dependencies import (
    Caller,
    CurrentAnswerMetrics,
    CurrentFeedback,
    CurrentPredictor,
    CurrentSettings,
    uploaded_photo,
)
from detector_api.errors import FEEDBACK_ERRORS, MODEL_ERRORS, PHOTO_ERRORS
from detector_api.feedback import FeedbackStore
from detector_api.http.access import is_from_another_site
from detector_api.http.problems import responses
from detector_api.routes.predictions import FILE, describe_body
from detector_api.schemas import FeedbackReply
from model_serving.photos.labels import class_meant, label_key, possible_breeds

router = APIRouter(prefix="/api/v1", tags=["feedback"])


async def get_store(
    request: Request,
    settings: CurrentSettings,
    store: CurrentFeedback,
    keep: Annotated[bool, Query(description="That whoever sends the photo agrees that it is kept.")] = False,
) -> FeedbackStore:
    """Return the store, if there is one and the sender agrees, and not another site in its name."""
    if store is None:
        raise errors.FeedbackOffError
    if is_from_another_site(request.headers, settings.cors_origins):
        raise errors.CrossSiteError
    if not keep:
        raise errors.ConsentRequiredError
    return store


AgreedStore = Annotated[FeedbackStore, Depends(get_store)]


async def get_breed(
    agreed: AgreedStore,
    predictor: CurrentPredictor,
    breed: Annotated[
        str, Query(max_length=200, description="What it really is: one of the classes (`breeds`) of `/api/v1/model`.")
    ],
) -> str:
    """Return the class as the served model spells it."""
    model = await predictor.describe()
    if known := class_meant(breed, model.card.breeds):
        return known
    by_key = {label_key(known): known for known in model.card.breeds}
    nearest = [known for one in possible_breeds(breed) if (known := class_meant(one, model.card.breeds))]
    nearest = nearest or [by_key[key] for key in difflib.get_close_matches(label_key(breed), by_key)]
    hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
    kind = model.card.subject.kind
    raise errors.UnknownBreedError(f"The model does not know this {kind}.{hint} See /api/v1/model for what it knows.")


@router.post(
    "/feedback",
    status_code=201,
    openapi_extra=describe_body(FILE, "The photo: as for `/api/v1/predict_breed`."),
    responses=responses(*PHOTO_ERRORS, *MODEL_ERRORS, *FEEDBACK_ERRORS),
)
async def send_feedback(
    request: Request,
    store: AgreedStore,
    breed: Annotated[str, Depends(get_breed)],
    predictor: CurrentPredictor,
    answer_metrics: CurrentAnswerMetrics,
    caller: Caller,
) -> FeedbackReply:
    """Keep a photo under its class, for the next training. Sent again it is kept once, under the last class given.

    Kept are its pixels, at most 1,024 a side, and nothing else of the file. `id` is the SHA-256 of the file as it was
    sent: whoever runs the service finds the photo by it, and can remove it.
    """
    async with uploaded_photo(request, caller) as photo:
        digest = await predictor.run(partial(store.keep, photo, breed), caller)
        # The photo is kept, whether or not the model can say now what it makes of it.
        with suppress(errors.GatewayError):
            answer_metrics.count_feedback(breed, await predictor.predict(photo, caller=caller))
    return FeedbackReply(stored=True, breed=breed, id=digest)
