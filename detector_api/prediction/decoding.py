"""Decoding of photos for the model, with the gateway's errors for photos that cannot be read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from detector_api import errors
from model_serving import photos


def decode(photo: bytes, geometry: photos.Geometry, max_pixels: int) -> tuple[bytes, float]:
    """Return the pixels that the model sees of an encoded photo, row by row, and the CPU seconds that it took.

    Raises the `RequestError` of a photo that cannot be read.
    """
    start = time.thread_time()
    with gateway_errors():
        pixels = photos.read_pixels(photo, geometry, max_pixels).tobytes()
    return pixels, time.thread_time() - start


@contextmanager
def gateway_errors() -> Iterator[None]:
    """Turn the errors of `photos` into those of the gateway, with the same words."""
    try:
        yield
    except photos.TooManyPixelsError as error:
        raise errors.TooLargeError(str(error)) from error
    except photos.UnsupportedPhotoError as error:
        raise errors.UnsupportedTypeError(str(error)) from error
    except photos.DamagedPhotoError as error:
        raise errors.DamagedImageError(str(error)) from error
