"""Decoding of photos for the model, with the gateway's errors for photos that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from detector_api import errors
from model_serving import photos
from model_serving.photos.errors import TooCostlyPhotoError
from model_serving.photos.finish import Unfinished
from model_serving.photos.pool import DecodedPhoto, DecoderPool


def decode(
    pool: DecoderPool, photo: bytes, geometry: photos.Geometry, max_pixels: int, whole_side: int | None = None
) -> DecodedPhoto:
    """Return the pixels that the model sees of an encoded photo, with `whole_side` those of the whole photo too.

    Raises the `RequestError` of a photo that cannot be read.
    """
    with gateway_errors():
        return pool.read_pixels(photo, geometry, max_pixels, whole_side=whole_side)


def finish(pool: DecoderPool, whole: Unfinished) -> Image.Image:
    """Return the image of a whole photo that was decoded; raises as `decode` does."""
    with gateway_errors():
        return pool.finish(whole)


@contextmanager
def gateway_errors() -> Iterator[None]:
    """Turn the errors of `photos` into those of the gateway, with the same words."""
    try:
        yield
    except (photos.TooManyPixelsError, TooCostlyPhotoError) as error:
        raise errors.TooLargeError(str(error)) from error
    except photos.UnsupportedPhotoError as error:
        raise errors.UnsupportedTypeError(str(error)) from error
    except photos.DamagedPhotoError as error:
        raise errors.DamagedImageError(str(error)) from error
