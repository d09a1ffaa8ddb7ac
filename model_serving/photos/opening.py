"""Opening of photos: their type is told by their bytes, and what would cost too much is refused before decoding."""

from __future__ import annotations

import functools
import io
import math
import warnings

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from model_serving.photos import bmp, iso_media, jpeg, png, tiff, webp
from model_serving.photos.errors import DamagedPhotoError, PhotoError, TooManyPixelsError, UnsupportedPhotoError

# HEIC comes beside these where its extra is installed.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Larger photos are refused from their header: telephones take up to 8192x6144. While a photo is read it takes at most
# 17 bytes a pixel, 880 MB at this limit: 16 in WebP's decoder, 14 in those of AVIF and HEIC, 13 for a TIFF of 16 bits
# with alpha in one strip, 8 for a progressive JPEG in four colours, 4 for most.
MAX_PIXELS = 52_000_000

# How often a decoder may ask for the next bytes. A file of tiny parts, each a step in Python, would otherwise keep a
# processor busy for a second a megabyte; real photos of 20 MB need at most some thousands.
MAX_READS = 200_000

_TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Pillow's own warning comes at another limit than ours; its error, at twice that, stays on.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What it says of spoilt tags helps nobody: the photo is either read or refused.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def open_photo(photo: bytes, max_pixels: int) -> Image.Image:
    """Return the image with its header read and no pixel decoded.

    `info["code_points"]` has its colours by ITU-T H.273,
    `info["gamma"]` the power that gives its linear light, where they are told.

    Raises `UnsupportedPhotoError`, `TooManyPixelsError` or `DamagedPhotoError`.
    """
    if iso_media.image_format(photo) and iso_media.is_unread(photo):
        raise UnsupportedPhotoError("This kind of HEIF is not read. Please send the photo as a JPEG.")
    formats = _heif_formats() if iso_media.image_format(photo) == "HEIC" else FORMATS
    sent, photo = photo, _without_faults(photo)
    if webp.is_webp(photo) and webp.canvas_pixels(photo) > max_pixels:
        raise TooManyPixelsError(max_pixels)
    try:
        image = Image.open(_Reader(photo), formats=formats)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(max_pixels) from error
    except Exception as error:
        if isinstance(error, UnidentifiedImageError) and not _begins_as_image(sent, formats):
            raise UnsupportedPhotoError from error
        if bmp.is_unread(photo):
            raise UnsupportedPhotoError(bmp.UNREAD) from error
        if photo[:4] in _TIFF_HEADERS and tiff.is_whole(photo):  # Pillow does not say whether it is damaged or unknown
            raise UnsupportedPhotoError(tiff.UNREAD) from error
        raise DamagedPhotoError from error
    pixels = image.width * image.height
    if isinstance(image, TiffImageFile):
        pixels = max(pixels, math.prod(tiff.tile_size(image)))
    if pixels > max_pixels:
        raise TooManyPixelsError(max_pixels)
    if isinstance(image, TiffImageFile):
        tiff.require_readable(image, photo)
        if tiff.has_deep_planes(image):
            return tiff.merge_planes(image, photo)
    if image.format == "JPEG":
        jpeg.require_few_scans(photo, pixels)
    if image.format == "BMP" and (decoded := bmp.decode_runs(image, photo)):
        return decoded
    if image.format == "PNG":
        image.info |= {"code_points": png.code_points(photo), "gamma": png.gamma(sent)}
    else:
        image.info["code_points"] = iso_media.code_points(photo)
    return image


def _without_faults(photo: bytes) -> bytes:
    if photo.startswith(png.SIGNATURE):
        return png.without_faults(photo)
    if photo.startswith(b"\xff\xd8\xff"):
        return jpeg.with_end(jpeg.without_faults(photo))
    if webp.is_webp(photo):
        return webp.with_length(photo)
    if name := iso_media.image_format(photo):
        return iso_media.with_brand(photo, name)
    return photo


class _Reader(io.BytesIO):
    """The bytes as a file, for a decoder that does not ask too often."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise UnsupportedPhotoError("This file is in too many small parts. Please save the photo as a JPEG.")
        return super().read(size)


@functools.cache
def _heif_formats() -> tuple[str, ...]:
    """Load the library that reads HEIC, when the first one comes."""
    try:
        import pillow_heif
    except ImportError as error:
        raise UnsupportedPhotoError(
            "HEIC photos are not read here. Please send it as a JPEG: most phones offer that when sharing a photo."
        ) from error
    # An embedded thumbnail would be another picture; photos, and not parts of one, are what is decoded in parallel.
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return ("HEIF",)


def _begins_as_image(photo: bytes, formats: tuple[str, ...]) -> bool:
    accepts = (Image.OPEN[name][1] for name in formats)
    return bool(iso_media.image_format(photo)) or any(accept(photo[:16]) is True for accept in accepts if accept)
