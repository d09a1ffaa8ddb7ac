"""What a caller is told of a photo that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detector_api import errors
from model_serving import photos


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors of `photos` into those of the gateway, with the same words."""
    try:
        yield
    except photos.TooManyPixelsError as error:
        raise errors.TooLargeError(str(error)) from error
    except photos.UnsupportedPhotoError as error:
        raise errors.UnsupportedTypeError(str(error)) from error
    except photos.DamagedPhotoError as error:
        raise errors.DamagedImageError(str(error)) from error
