"""From an encoded photo to a breed: decode for the model that is served, ask it, and let its own card judge."""

from __future__ import annotations

import asyncio

import anyio.to_thread

from detector_api import errors
from detector_api.model_card import Model
from detector_api.serving_client import Answer, ServingClient
from detector_api.settings import Settings
from model_serving import photos

# A model may be replaced while a photo is on its way; three replacements in a row are no ordinary day.
ATTEMPTS = 3


class Predictor:
    """Use one for the life of the process: it remembers the served model's card, and bounds the decoding threads."""

    def __init__(self, client: ServingClient, settings: Settings) -> None:
        self._client = client
        self._deadline_seconds = settings.deadline_seconds
        self._max_pixels = settings.max_pixels
        self._decoders = anyio.CapacityLimiter(settings.decode_threads)
        self._model: Model | None = None

    async def describe(self) -> Model:
        """Fetch the latest version's card, and remember it."""
        self._model = await self._client.describe()
        return self._model

    async def predict(self, photo: bytes, *, explain: bool = False) -> tuple[Answer, Model]:
        """Return what the model sees in a photo, and the very version that saw it.

        Raises the `RequestError` of a photo that cannot be read, or a `ServingError`.
        """
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._predict(photo, explain)
        except TimeoutError as error:
            raise errors.DeadlineError("the photo was not answered in time") from error

    async def _predict(self, photo: bytes, explain: bool) -> tuple[Answer, Model]:
        """Ask the latest version, and ask again if it turns out to see photos otherwise than the version known."""
        pixels, geometry = b"", None
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                model = self._model or await self.describe()
                if model.card.geometry != geometry:
                    geometry = model.card.geometry
                    pixels = await self._decode(photo, geometry)
                answer = await self._client.predict(pixels, geometry.size, explain=explain)
                if answer.version != model.version:
                    model = self._model = await self._client.describe(answer.version)
                if model.card.geometry == geometry:
                    return answer, model
            except (errors.InputRejectedError, errors.ModelUnavailableError):
                self._model = None  # Another model may have taken the place of the one known.
                if not attempts_left:
                    raise
        raise errors.ModelUnavailableError(f"the model was replaced {ATTEMPTS} times during one request")

    async def _decode(self, photo: bytes, geometry: photos.Geometry) -> bytes:
        return await anyio.to_thread.run_sync(_read_pixels, photo, geometry, self._max_pixels, limiter=self._decoders)


def _read_pixels(photo: bytes, geometry: photos.Geometry, max_pixels: int) -> bytes:
    try:
        return photos.read_pixels(photo, geometry, max_pixels).tobytes()
    except photos.TooManyPixelsError as error:
        raise errors.TooLargeError(str(error)) from error
    except photos.UnsupportedPhotoError as error:
        raise errors.UnsupportedTypeError(str(error)) from error
    except photos.DamagedPhotoError as error:
        raise errors.DamagedImageError(str(error)) from error
