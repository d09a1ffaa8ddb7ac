"""Tell what the bytes are, and refuse what would cost too much, before a pixel is decoded."""

from __future__ import annotations

import functools
import io
import re
import warnings

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from model_serving.photos.errors import DamagedPhotoError, PhotoError, TooManyPixelsError, UnsupportedPhotoError

# JPEG includes MPO, which is how several phones store a JPEG with a second picture behind it. HEIC comes beside these
# where its extra is installed.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Larger photos are refused from their header. While a photo is read it takes at most 17 bytes a pixel, 850 MB at this
# limit: 16 in WebP's decoder, 14 in those of AVIF and HEIC, 13 for a TIFF of 16 bits with alpha in one strip, 8 for a
# progressive JPEG in four colours, 4 for most.
MAX_PIXELS = 50_000_000

# Each scan of a JPEG goes over the whole image again, and an empty one takes ten bytes. Cameras and web sites write
# at most 14, between some hundred segments.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000

# How often a decoder may ask for the next bytes. A file of tiny parts, each a step in Python, would otherwise keep a
# processor busy for a second a megabyte; real photos of 20 MB need at most some thousands.
MAX_READS = 200_000

# The brands by which an ISO media file says that it holds HEVC images, and those of AVIF, which share its containers.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

# TIFF's tags for the width and length of its tiles, or of its strips.
_TILE_WIDTH, _TILE_LENGTH, _ROWS_PER_STRIP = 322, 323, 278

# Pillow's own warning comes at another limit than ours; its error, at twice that, stays on.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What it says of spoilt tags helps nobody: the photo is either read or refused.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def open_photo(photo: bytes, max_pixels: int) -> Image.Image:
    """Return the image with its header read and no pixel decoded.

    Raises `UnsupportedPhotoError`, `TooManyPixelsError` or `DamagedPhotoError`.
    """
    formats = _heif_formats() if _is_heic(photo) else FORMATS
    try:
        image = Image.open(_Reader(photo), formats=formats)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(max_pixels) from error
    except Exception as error:
        if isinstance(error, UnidentifiedImageError) and not _begins_as_image(photo, formats):
            raise UnsupportedPhotoError from error
        raise DamagedPhotoError from error
    if max(image.width * image.height, _tile_pixels(image)) > max_pixels:
        raise TooManyPixelsError(max_pixels)
    if image.format in ("JPEG", "MPO") and _has_many_scans(photo):
        raise UnsupportedPhotoError("This JPEG is in too many small parts. Please save it as an ordinary JPEG.")
    return image


def _tile_pixels(image: Image.Image) -> int:
    """Return the pixels of a tile of a TIFF, which is decoded whole however small the image in it is."""
    if not isinstance(image, TiffImageFile):
        return 0
    width = image.tag_v2.get(_TILE_WIDTH, 0)
    height = image.tag_v2.get(_TILE_LENGTH, image.tag_v2.get(_ROWS_PER_STRIP, 0))  # as libtiff takes it
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


# A marker of a JPEG whose segment has a length: not one that is stuffed, or stands alone, or is repeated to fill.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def _has_many_scans(jpeg: bytes) -> bool:
    """Walk over the segments of the first image, as its decoder will: a video may follow it, a thumbnail be in it."""
    scans, at = 0, 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(jpeg, at)
        if not found or jpeg[found.end() - 1] == _END_OF_IMAGE:
            return False
        scans += jpeg[found.end() - 1] == _START_OF_SCAN
        if scans > MAX_SCANS:
            return True
        at = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2])
    return True


class _Reader(io.BytesIO):
    """The bytes as a file, for a decoder that does not ask too often."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise UnsupportedPhotoError("This file is in too many small parts. Please save the photo as a JPEG.")
        return super().read(size)


def _is_heic(photo: bytes) -> bool:
    if photo[4:8] != b"ftyp":
        return False
    box = photo[8 : min(int.from_bytes(photo[:4]), 256)]
    brands = {box[at : at + 4] for at in range(0, len(box), 4)}
    return bool(brands & _HEIC_BRANDS) and not brands & _AVIF_BRANDS


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
    return any(accept(photo[:16]) is True for accept in accepts if accept)
