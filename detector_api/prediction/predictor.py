"""Prediction: decodes a photo for the served model, asks the model, and returns its answer with its card."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TypeVar

from detector_api import errors
from detector_api.prediction.admission import Admission, AdmittedPhoto
from detector_api.prediction.canary import Canary
from detector_api.prediction.decoding import decode, finish
from detector_api.prediction.latency import UnloadedLatency
from detector_api.prediction.search import PhotoResult, Search, needs_search, with_centre_as_dog
from detector_api.prediction.versions import Versions, after
from detector_api.serving.model_card import ModelCard, ModelVersion
from detector_api.serving.serving_client import ServingClient
from detector_api.serving.target import CANARY, Target
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
# What threads and event loop add to a photo's time on a busy machine: no sign that too many photos are in work.
SCHEDULING_SECONDS = 0.005
# What a search leaves of a photo's time, so that at its end the centre's answer is still one in time.
RESERVE_SECONDS = 0.25
# What the canary gets of a photo's time, so that the stable version can still answer if it does not.
CANARY_SHARE = 0.25

T = TypeVar("T")


@dataclass
class Job:
    """A photo in work, and how it was decoded, by the part that a version sees."""

    photo: bytes
    find: Find
    explain: bool
    deadline: float
    admitted_photo: AdmittedPhoto
    decoded: dict[photos.Geometry, DecodedPhoto] = field(default_factory=dict)


class Predictor:
    """Predictor of an app, with its decoding processes."""

    def __init__(self, client: ServingClient, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._admission = Admission(settings, metrics)
        self._canary = Canary(settings.model_config_file, settings.canary_percent, metrics)
        self._unloaded = UnloadedLatency()
        self._max_pixels = settings.max_pixels
        # With a deadline's end a photo that waits is dropped, and one being decoded keeps its place until it is done.
        self.pool = DecoderPool(settings.decode_threads)
        self._decoders = ThreadPoolExecutor(self.pool.places, "decode")
        self._versions = Versions(client)

    async def describe(self) -> ModelVersion:
        """Fetch the card of the version that answers all callers, or all but the canary's."""
        return await self._versions.fetch_for_all(self._canary.stable)

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
                    job = Job(photo, find, explain, deadline, admitted_photo)
                    return await self._search(job, await self._answer(job, caller))
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

    async def _search(self, job: Job, centre: PhotoResult) -> PhotoResult:
        """Search the photo, if `find` and the centre's answer ask for it; under load leave that out, and say so."""
        find, geometry = job.find, centre.model.card.geometry
        if find == "no" or (find == "auto" and not centre.model.card.locates):
            return centre
        decoded = job.decoded[geometry]
        centre = replace(centre, box=geometry.part(decoded.photo_size))
        if find == "auto" and not needs_search(centre):
            return replace(centre, search="not_needed")
        if not centre.model.card.locates:
            return with_centre_as_dog(replace(centre, search="unavailable"))
        job.admitted_photo.unloaded_seconds = 0.0  # a photo that is searched takes longer, and no load is the reason
        left_out = replace(centre, search="left_out")
        if find == "all":
            left_out = with_centre_as_dog(left_out)
        if self._admission.is_full or decoded.whole is None:
            return left_out
        try:
            async with asyncio.timeout(job.deadline - RESERVE_SECONDS - time.monotonic()):
                search = Search(self._client, centre, job.explain, job.deadline)
                loop = asyncio.get_running_loop()
                with current_record().timed("decode"):
                    whole = await loop.run_in_executor(self._decoders, finish, self.pool, decoded.whole)
                with current_record().timed("predict"):
                    return await (search.find_all(whole) if find == "all" else search.find_better(whole))
        except (TimeoutError, errors.GatewayError):  # the centre's answer is there all the same
            return left_out

    async def _answer(self, job: Job, caller: str) -> PhotoResult:
        """Ask the canary, if that is the caller's version, and the stable one if it is not or if the canary fails."""
        if self._canary.is_for(caller):
            now = time.monotonic()
            try:
                answered = await self._ask(job, CANARY, now + CANARY_SHARE * (job.deadline - now))
            except errors.ServingError as error:
                self._canary.has_failed(error.reason)
            else:
                self._canary.has_answered()
                return answered
        return await self._ask(job, self._canary.stable, job.deadline)

    async def _ask(self, job: Job, target: Target, deadline: float) -> PhotoResult:
        """Ask a version about the centre, and again if its input differs from that of the version known."""
        record = current_record()
        failure: errors.ServingError = errors.ModelUnavailableError(
            f"the model changed {ATTEMPTS} times in one request"
        )
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                record.retried("the model changed")
            try:
                known = await self._versions.answering(target, deadline)
                decoded = await self._decode(job, known.card)
                with record.timed("predict"):
                    async with self._timed(target):
                        answer = await self._client.predict(
                            decoded.pixels, known.card.input_size, explain=job.explain, target=target, deadline=deadline
                        )
                model = await self._versions.numbered(answer.version, target, deadline)
                if model.card.geometry == known.card.geometry:
                    record.model_version, record.model_label = answer.version, target.label
                    self._versions.follow(target, model)
                    if not target.is_trial:
                        self._unloaded.expect(answer.version)
                        if attempt == 0 and self._unloaded.seconds:
                            seconds = decoded.cpu_seconds + self._unloaded.seconds + SCHEDULING_SECONDS
                            job.admitted_photo.unloaded_seconds = seconds
                    return PhotoResult(answer, model, label=target.label)
                better: ModelVersion | None = model
            except errors.InputRejectedError as error:
                failure, better = error, None
            except errors.ModelNotFoundError as error:
                if target.is_trial:
                    raise
                failure, better = error, None
                other = after(target, error)
                if other != target:
                    target = other
                    continue
                await asyncio.sleep(NOT_FOUND_PAUSE_SECONDS)
            # To follow each time could fall in step with the round robin, and suit ever the server that was asked last.
            if attempt == 0 or random.random() < 0.5:
                self._versions.follow(target, better)
        raise failure

    def _timed(self, target: Target) -> AbstractAsyncContextManager[None]:
        """Learn from a call how fast the model is; a canary's speed says nothing of the load."""
        return nullcontext() if target.is_trial else self._unloaded.call()

    async def _decode(self, job: Job, card: ModelCard) -> DecodedPhoto:
        """Return the photo for a version's input, with its whole where a search may follow."""
        geometry = card.geometry
        if geometry not in job.decoded:
            may_search = job.find != "no" and card.locates and not self._admission.is_full
            whole_side = WHOLE_SIDE if may_search else None
            with current_record().timed("decode"):
                job.decoded[geometry] = await asyncio.get_running_loop().run_in_executor(
                    self._decoders, decode, self.pool, job.photo, geometry, self._max_pixels, whole_side
                )
        return job.decoded[geometry]
