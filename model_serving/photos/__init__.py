"""From an encoded photo to the pixels a model takes: the one preprocessing of trainer, gateway and evaluation.

`opening` tells what the bytes are and refuses what would cost too much, `pixels` makes the pixels.
The exported graph repeats these steps in TensorFlow (`savedmodel/decode.py`) for clients that send encoded photos; the
tests hold the two within one grey level. No TensorFlow is imported here, so that the gateway can use this package.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from model_serving.photos.errors import (
    DamagedPhotoError,
    PhotoError,
    TooManyPixelsError,
    UnsupportedPhotoError,
)
from model_serving.photos.finish import BACKGROUND
from model_serving.photos.geometry import Geometry
from model_serving.photos.opening import MAX_PIXELS, open_photo
from model_serving.photos.pixels import Decoded, crop_to_input, shrink

__all__ = [
    "BACKGROUND",
    "MAX_PIXELS",
    "PREPROCESSING_VERSION",
    "DamagedPhotoError",
    "Geometry",
    "PhotoError",
    "TooManyPixelsError",
    "UnsupportedPhotoError",
    "decode",
    "open_photo",
    "read_pixels",
    "read_shrunk",
]

# Counts the changes of what `read_pixels` returns, so that nothing computed before one is taken for current.
PREPROCESSING_VERSION = 5


def read_pixels(photo: bytes, geometry: Geometry, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the upright sRGB image of `geometry.size` x `geometry.size` that the model sees of an encoded photo.

    Of an animation it is the first frame that is not empty. Raises `UnsupportedPhotoError`, `TooManyPixelsError`
    (before any pixel is decoded) or `DamagedPhotoError`.
    """
    return decode(photo, max_pixels, lambda image: crop_to_input(image, geometry)).image


def read_shrunk(photo: bytes, long_side: int, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the whole of an encoded photo, upright in sRGB, with no side above `long_side` pixels and no metadata.

    Raises as `read_pixels` does.
    """
    return decode(photo, max_pixels, lambda image: shrink(image, long_side)).image


def decode(photo: bytes, max_pixels: int, to_pixels: Callable[[Image.Image], Decoded]) -> Decoded:
    """Return what `to_pixels`, one of `pixels.py`, makes of an encoded photo; raises as `read_pixels` does."""
    try:
        return to_pixels(open_photo(photo, max_pixels))
    except PhotoError:
        raise
    except Exception as error:  # Decoders meet hostile bytes with exceptions of every kind.
        raise DamagedPhotoError from error
