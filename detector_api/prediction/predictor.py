"""From an encoded photo to a breed: decode for the model that is served, ask it, and let its own card judge."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

from detector_api import errors
from detector_api.serving.model_card import Model
from detector_api.serving.serving_client import Answer, ServingClient
from detector_api.settings import Settings
from detector_api.telemetry.record import current
from model_serving import photos

# While versions change, each call may reach a server that has changed or one that has not. With half of either kind an
# attempt is at worst the toss of a coin, and this many lose one photo of a million.
ATTEMPTS = 20
# Before asking again for a version that was not found: it may be about to be loaded.
NOT_FOUND_PAUSE_SECONDS = 0.02
# How many versions to remember: those between which a change is under way, and some to return to.
VERSIONS = 8


class Predictor:
    """Use one for the life of the process: it remembers the cards of versions, and has the decoding threads."""

    def __init__(self, client: ServingClient, settings: Settings) -> None:
        self._client = client
        self._deadline_seconds = settings.deadline_seconds
        self._max_pixels = settings.max_pixels
        # With a deadline's end a photo that waits is dropped, and one being decoded keeps its thread until it is done.
        self._decoders = ThreadPoolExecutor(settings.decode_threads, "decode")
        self._models: dict[int, Model] = {}
        self._latest: Model | None = None

    async def describe(self, version: int | None = None) -> Model:
        """Fetch a version's card, by default the latest's, and remember it."""
        model = await self._client.describe(version)
        self._models.pop(model.version, None)
        self._models[model.version] = model
        if len(self._models) > VERSIONS:
            del self._models[next(iter(self._models))]
        return model

    async def predict(self, photo: bytes, *, explain: bool = False) -> tuple[Answer, Model]:
        """Return what the model sees in a photo, and the very version that saw it.

        Raises the `RequestError` of a photo that cannot be read, or a `ServingError`.
        """
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._predict(photo, explain)
        except TimeoutError as error:
            raise errors.DeadlineError("the photo was not answered in time") from error

    def close(self) -> None:
        """Let the decoding threads end."""
        self._decoders.shutdown(wait=False, cancel_futures=True)

    async def _predict(self, photo: bytes, explain: bool) -> tuple[Answer, Model]:
        """Ask the latest version, and ask again if it turns out to see photos otherwise than the version known."""
        record = current()
        pixels: dict[photos.Geometry, bytes] = {}
        failure: errors.ServingError = errors.ModelUnavailableError(
            f"the model changed {ATTEMPTS} times in one request"
        )
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                record.retries += 1
            try:
                self._latest = self._latest or await self.describe()
                geometry = self._latest.card.geometry
                if geometry not in pixels:
                    with record.timed("decode"):
                        pixels[geometry] = await self._decode(photo, geometry)
                with record.timed("predict"):
                    answer = await self._client.predict(pixels[geometry], geometry.size, explain=explain)
                model = self._models.get(answer.version) or await self.describe(answer.version)
                if model.card.geometry == geometry:
                    record.model_version = answer.version
                    self._latest = model
                    return answer, model
                better: Model | None = model
            except errors.InputRejectedError as error:
                failure, better = error, None
            except errors.ModelNotFoundError as error:
                failure, better = error, None
                await asyncio.sleep(NOT_FOUND_PAUSE_SECONDS)
            # To follow each time could fall in step with the round robin, and suit ever the server that was asked last.
            if attempt == 0 or random.random() < 0.5:
                self._latest = better
        raise failure

    async def _decode(self, photo: bytes, geometry: photos.Geometry) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, _read_pixels, photo, geometry, self._max_pixels)


def _read_pixels(photo: bytes, geometry: photos.Geometry, max_pixels: int) -> bytes:
    try:
        return photos.read_pixels(photo, geometry, max_pixels).tobytes()
    except photos.TooManyPixelsError as error:
        raise errors.TooLargeError(str(error)) from error
    except photos.UnsupportedPhotoError as error:
        raise errors.UnsupportedTypeError(str(error)) from error
    except photos.DamagedPhotoError as error:
        raise errors.DamagedImageError(str(error)) from error
