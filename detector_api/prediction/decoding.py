"""Decoding of photos for the model, with the gateway's errors for photos that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detector_api import errors
from model_serving import photos
from model_serving.photos.errors import TooCostlyPhotoError
from model_serving.photos.pool import DecodedPhoto, DecoderPool

# A dog that fills a quarter of the photo's height then still has the pixels of the model's input.
WHOLE_SIDE = 1600


def decode(pool: DecoderPool, photo: bytes, geometry: photos.Geometry, max_pixels: int) -> DecodedPhoto:
    """Return the pixels that the model sees of an encoded photo.

    Raises the `RequestError` of a photo that cannot be read.
    """
    with gateway_errors():
        return pool.read_pixels(photo, geometry, max_pixels)


def decode_whole(pool: DecoderPool, photo: bytes, max_pixels: int) -> DecodedPhoto:
    """Return the whole of an encoded photo, with no side above `WHOLE_SIDE`; raises as `decode` does."""
    with gateway_errors():
        return pool.read_shrunk(photo, WHOLE_SIDE, max_pixels)


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
