"""Prediction: decodes a photo for the served model, asks the model, and returns its answer with its card."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from detector_api import errors
from detector_api.prediction.admission import Admission, AdmittedPhoto
from detector_api.prediction.decoding import decode, finish
from detector_api.prediction.latency import UnloadedLatency
from detector_api.prediction.search import PhotoResult, Search, needs_search, with_centre_as_dog
from detector_api.serving.model_card import ModelVersion
from detector_api.serving.serving_client import ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics
from detector_api.telemetry.record import current_record
from model_serving import photos
from model_serving.photos.found import WHOLE_SIDE, Find
from model_serving.photos.pool import DecodedPhoto, DecoderPool

# While versions change, each call may reach a server that has changed or one that has not. With half of either kind an
# attempt is at worst the toss of a coin, and this many lose one photo of a million.
ATTEMPTS = 20
# Before asking again for a version that was not found: it may be about to be loaded.
NOT_FOUND_PAUSE_SECONDS = 0.02
# How many versions to remember: those between which a change is under way, and some to return to.
VERSIONS = 8
# What threads and event loop add to a photo's time on a busy machine: no sign that too many photos are in work.
SCHEDULING_SECONDS = 0.005
# What a search leaves of a photo's time, so that at its end the centre's answer is still one in time.
RESERVE_SECONDS = 0.25

T = TypeVar("T")


class Predictor:
    """Predictor of an app: it caches the cards of versions, and owns the decoding processes."""

    def __init__(self, client: ServingClient, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._admission = Admission(settings, metrics)
        self._unloaded = UnloadedLatency()
        self._max_pixels = settings.max_pixels
        # With a deadline's end a photo that waits is dropped, and one being decoded keeps its place until it is done.
        self.pool = DecoderPool(settings.decode_threads)
        self._decoders = ThreadPoolExecutor(self.pool.places, "decode")
        self._models: dict[int, ModelVersion] = {}
        self._latest: ModelVersion | None = None

    async def describe(self, version: int | None = None, *, deadline: float | None = None) -> ModelVersion:
        """Fetch a version's card, by default the latest's, and remember it; `deadline` is in monotonic seconds."""
        model = await self._client.describe(version, deadline=deadline)
        self._models.pop(model.version, None)
        self._models[model.version] = model
        if len(self._models) > VERSIONS:
            del self._models[next(iter(self._models))]
        return model

    def check(self, caller: str) -> None:
        """Raise the error that any photo of this caller would be refused with now, whatever it shows."""
        self._client.circuit.check()
        self._admission.check(caller)

    async def predict(
        self,
        photo: bytes,
        *,
        caller: str = "",
        stream: asyncio.Lock | None = None,
        find: Find = "no",
        explain: bool = False,
    ) -> PhotoResult:
        """Return the model's answer for a photo, and the version that gave it.

        `find` says whether dogs are searched for outside the photo's centre: see `search.py`. `caller` and `stream`
        are for the admission: see `Admission.admitted`. Raises the `RequestError` of a photo that cannot be read, or a
        `ServingError`.
        """
        async with self._admission.admitted(caller, stream) as admitted_photo:
            self._client.circuit.check()
            deadline = admitted_photo.deadline
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    centre, decoded = await self._predict(photo, find, explain, deadline, admitted_photo)
                    return await self._search(centre, decoded, find, explain, deadline, admitted_photo)
            except TimeoutError as error:
                raise errors.DeadlineError("the photo was not answered in time") from error

    async def run(self, work: Callable[[], T], caller: str) -> T:
        """Run other work on a photo in a decoding thread, under the same admission control."""
        async with self._admission.admitted(caller):
            return await asyncio.get_running_loop().run_in_executor(self._decoders, work)

    def start(self) -> None:
        """Start the decoding processes, so that the first photo need not wait for one."""
        self.pool.start()

    def close(self) -> None:
        """End the decoding processes, whatever they are at, and the threads that wait for them."""
        self.pool.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    async def _search(
        self,
        centre: PhotoResult,
        decoded: DecodedPhoto,
        find: Find,
        explain: bool,
        deadline: float,
        admitted_photo: AdmittedPhoto,
    ) -> PhotoResult:
        """Search the photo, if `find` and the centre's answer ask for it; under load leave that out, and say so."""
        if find == "no" or (find == "auto" and not centre.model.card.locates):
            return centre
        centre = replace(centre, box=centre.model.card.geometry.part(decoded.photo_size))
        if find == "auto" and not needs_search(centre):
            return replace(centre, search="not_needed")
        if not centre.model.card.locates:
            return with_centre_as_dog(replace(centre, search="unavailable"))
        admitted_photo.unloaded_seconds = 0.0  # a photo that is searched takes longer, and no load is the reason
        left_out = replace(centre, search="left_out")
        if find == "all":
            left_out = with_centre_as_dog(left_out)
        if self._admission.is_full or decoded.whole is None:
            return left_out
        try:
            async with asyncio.timeout(deadline - RESERVE_SECONDS - time.monotonic()):
                search = Search(self._client, centre, explain, deadline)
                loop = asyncio.get_running_loop()
                with current_record().timed("decode"):
                    whole = await loop.run_in_executor(self._decoders, finish, self.pool, decoded.whole)
                with current_record().timed("predict"):
                    return await (search.find_all(whole) if find == "all" else search.find_better(whole))
        except (TimeoutError, errors.GatewayError):  # the centre's answer is there all the same
            return left_out

    async def _predict(
        self, photo: bytes, find: Find, explain: bool, deadline: float, admitted_photo: AdmittedPhoto
    ) -> tuple[PhotoResult, DecodedPhoto]:
        """Ask the latest version about the centre, and again if its input differs from that of the version known.

        Returns its answer and the decoded photo, with its whole where a search may follow.
        """
        record = current_record()
        decoded: dict[photos.Geometry, DecodedPhoto] = {}
        failure: errors.ServingError = errors.ModelUnavailableError(
            f"the model changed {ATTEMPTS} times in one request"
        )
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                record.retried("the model changed")
            try:
                self._latest = self._latest or await self.describe(deadline=deadline)
                card = self._latest.card
                geometry = card.geometry
                if geometry not in decoded:
                    may_search = find != "no" and card.locates and not self._admission.is_full
                    with record.timed("decode"):
                        decoded[geometry] = await self._decode(photo, geometry, WHOLE_SIDE if may_search else None)
                with record.timed("predict"):
                    async with self._unloaded.call():
                        answer = await self._client.predict(
                            decoded[geometry].pixels, geometry.size, explain=explain, deadline=deadline
                        )
                self._unloaded.expect(answer.version)
                model = self._models.get(answer.version) or await self.describe(answer.version, deadline=deadline)
                if model.card.geometry == geometry:
                    record.model_version = answer.version
                    self._latest = model
                    if attempt == 0 and self._unloaded.seconds:
                        cpu_seconds = decoded[geometry].cpu_seconds
                        admitted_photo.unloaded_seconds = cpu_seconds + self._unloaded.seconds + SCHEDULING_SECONDS
                    return PhotoResult(answer, model), decoded[geometry]
                better: ModelVersion | None = model
            except errors.InputRejectedError as error:
                failure, better = error, None
            except errors.ModelNotFoundError as error:
                failure, better = error, None
                await asyncio.sleep(NOT_FOUND_PAUSE_SECONDS)
            # To follow each time could fall in step with the round robin, and suit ever the server that was asked last.
            if attempt == 0 or random.random() < 0.5:
                self._latest = better
        raise failure

    async def _decode(self, photo: bytes, geometry: photos.Geometry, whole_side: int | None) -> DecodedPhoto:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._decoders, decode, self.pool, photo, geometry, self._max_pixels, whole_side
        )
