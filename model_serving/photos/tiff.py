"""TIFF directories: what Pillow would read wrongly, or only with much memory, is refused from the tags.

Tags are those of TIFF 6.0 and its supplements; a BigTIFF's entries are longer, and mean the same.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from model_serving.photos import jpeg
from model_serving.photos.errors import UnsupportedPhotoError

UNREAD = "This kind of TIFF is not read. Please send the photo as a JPEG."

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _FORMAT = 258, 259, 262, 277, 284, 339
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH, _DNG_VERSION = 278, 322, 323, 50706
_STRIPS, _TILES = 273, 324
_EXTRA_SAMPLES, _SUBSAMPLING, _ORIENTATION, _COLOUR_MAP = 338, 530, 274, 320
_SEPARATE, _UNASSOCIATED_ALPHA = 2, 2
_SIZES = (256, 257, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH)
_SHORT, _LONG, _LONG8 = 3, 4, 16
# None, CCITT, LZW, Deflate, PackBits, and JPEG, whose frames must be no larger than their strip or tile.
_READ_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
_JPEG = 7
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_UNSIGNED, _FLOAT = 1, 3
# Sides of a JPEG in a TIFF are rounded up to whole blocks.
_BLOCK = 16
MAX_STRIPS = 10_000
# Tags that a plane shares with its image: sizes, compression, order of bits, predictor.
_PLANE_TAGS = (256, 257, _COMPRESSION, 266, _ROWS_PER_STRIP, 317, _TILE_WIDTH, _TILE_LENGTH)
_OVERSHOOT = 0.1


def require_readable(image: TiffImageFile, photo: bytes) -> None:
    """Raise `UnsupportedPhotoError` unless the image is of a kind that comes out right at a bounded cost."""
    tags = image.tag_v2
    kinds = (tags.get(_BITS, 1), tags.get(_FORMAT, _UNSIGNED))
    bits, formats = (set(kind) if isinstance(kind, tuple) else {kind} for kind in kinds)
    photometric, samples = tags.get(_PHOTOMETRIC), tags.get(_SAMPLES, 1)
    is_read = (
        _DNG_VERSION not in tags
        and tags.get(_COMPRESSION, 1) in _READ_COMPRESSIONS
        and photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR)
        and (photometric != _CMYK or samples == 4)
        and (photometric != _PALETTE or _has_whole_palette(image))
        and (photometric != _YCBCR or tags.get(_COMPRESSION) == _JPEG or tags.get(_SUBSAMPLING) == (1, 1))
        and (tags.get(_PLANAR, 1) != _SEPARATE or _has_simple_planes(image))
        and (
            (formats == {_UNSIGNED} and len(bits) == 1 and bits <= {1, 2, 4, 8})
            or (
                (formats, bits) == ({_UNSIGNED}, {16})
                and photometric in (_BLACK_IS_ZERO, _RGB)
                and (tags.get(_PLANAR, 1) != _SEPARATE or has_deep_planes(image))
            )
            or (formats, bits, samples, photometric) == ({_FLOAT}, {32}, 1, _BLACK_IS_ZERO)
        )
        and _sizes_are_numbers(photo)
        and (tags.get(_COMPRESSION) != _JPEG or _frames_fit(image, photo))
    )
    if not is_read:
        raise UnsupportedPhotoError(UNREAD)


def _has_whole_palette(image: TiffImageFile) -> bool:
    """Tell whether each value has three numbers of 16 bits: some programs write 8 bits, which come out black."""
    colours = image.tag_v2.get(_COLOUR_MAP, ())
    return len(colours) == 3 << image.tag_v2.get(_BITS, (1,))[0] and (max(colours) > 255 or not any(colours))


def _has_simple_planes(image: TiffImageFile) -> bool:
    """Tell whether planes are those of colours alone, or of colours and alpha that is not premultiplied."""
    extra = image.tag_v2.get(_EXTRA_SAMPLES, ())
    return extra == () or (extra == (_UNASSOCIATED_ALPHA,) and image.tag_v2.get(_SAMPLES) == 4)


def has_deep_planes(image: TiffImageFile) -> bool:
    """Tell whether the image is red, green and blue of 16 bits in planes, which Pillow would mix up."""
    tags = image.tag_v2
    return (tags.get(_BITS), tags.get(_PLANAR), tags.get(_PHOTOMETRIC)) == ((16, 16, 16), _SEPARATE, _RGB)


def merge_planes(image: TiffImageFile, photo: bytes) -> Image.Image:
    """Return the image of `has_deep_planes` in 8 bits: each plane is read as a grey TIFF of its own."""
    order = "<" if photo[:2] == b"II" else ">"
    places, counts = (_TILES, 325) if _TILES in image.tag_v2 else (_STRIPS, 279)
    parts = len(image.tag_v2[places]) // 3
    planes = []
    for first in range(0, 3 * parts, parts):
        kept = {tag: image.tag_v2[tag] for tag in _PLANE_TAGS if tag in image.tag_v2}
        kept |= {tag: image.tag_v2[tag][first : first + parts] for tag in (places, counts)}
        kept |= {_BITS: 16, _PHOTOMETRIC: _BLACK_IS_ZERO, _SAMPLES: 1}
        grey = Image.open(io.BytesIO(_with_directory(photo, kept, order)), formats=("TIFF",))
        planes.append(grey.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L"))
    merged = Image.merge("RGB", planes)
    merged.info = {"icc_profile": image.info.get("icc_profile"), "orientation": orientation(image)}
    return merged


def orientation(image: TiffImageFile) -> int:
    """Return the orientation, 1 to 8."""
    told = image.tag_v2.get(_ORIENTATION, 1)
    return told if isinstance(told, int) and 1 <= told <= 8 else 1


def _with_directory(photo: bytes, tags: dict[int, int | tuple[int, ...]], order: str) -> bytes:
    """Return a TIFF with a directory of such tags, all of type LONG, in place of its own."""
    at = len(photo)
    beyond, entries = b"", b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            packed, beyond = struct.pack(f"{order}I", at + len(beyond)), beyond + packed
        entries += struct.pack(f"{order}HHI", tag, _LONG, len(values)) + packed
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return photo[:4] + struct.pack(f"{order}I", at + len(beyond)) + photo[8:] + beyond + directory


def require_unit_floats(image: Image.Image) -> None:
    """Raise `UnsupportedPhotoError` unless the floats of an image go from 0 to 1, with what a resize overshoots."""
    darkest, brightest = image.getextrema()
    assert isinstance(darkest, float)  # as of any single channel
    assert isinstance(brightest, float)
    if not (darkest >= -_OVERSHOOT and brightest <= 1 + _OVERSHOOT):  # not a number, too
        raise UnsupportedPhotoError(UNREAD)


def tile_size(image: TiffImageFile) -> tuple[int, int]:
    """Return width and height of a tile or strip, which is decoded whole however small the image in it is."""
    width = image.tag_v2.get(_TILE_WIDTH, image.width)
    height = image.tag_v2.get(_TILE_LENGTH, image.tag_v2.get(_ROWS_PER_STRIP, image.height))  # as libtiff takes it
    if not isinstance(width, int) or not isinstance(height, int):
        return image.size
    # The rows of the only strip are often given as more than there are.
    return width, height if _TILE_WIDTH in image.tag_v2 else min(height, image.height)


def is_whole(photo: bytes) -> bool:
    """Tell whether the first directory lies within the file, so that it is another reason for which it is not read."""
    try:
        return bool(list(_entries(photo)))
    except struct.error:
        return False


def _sizes_are_numbers(photo: bytes) -> bool:
    """Tell whether each size in the first directory is one whole number: Pillow skips others, libtiff reads them."""
    try:
        sizes = [(kind, number) for tag, kind, number in _entries(photo) if tag in _SIZES]
    except struct.error:
        return False
    return all(kind in (_SHORT, _LONG, _LONG8) and number == 1 for kind, number in sizes)


def _entries(photo: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield tag, type and count of each entry of the first directory; raises `struct.error` beyond the file's end."""
    order = "<" if photo[:2] == b"II" else ">"
    is_big = photo[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", photo, 8 if is_big else 4)
    (count,) = struct.unpack_from(f"{order}{'Q' if is_big else 'H'}", photo, at)
    at += 8 if is_big else 2
    for _ in range(min(count, 65_536)):
        yield struct.unpack_from(f"{order}HH{'Q' if is_big else 'I'}", photo, at)
        at += 20 if is_big else 12


def _frames_fit(image: TiffImageFile, photo: bytes) -> bool:
    """Tell whether the JPEG in each strip or tile is no larger than that: libtiff would decode all of it."""
    places = image.tag_v2.get(_TILES, image.tag_v2.get(_STRIPS, ()))
    places = places if isinstance(places, tuple) else (places,)
    width, height = (-(-side // _BLOCK) * _BLOCK for side in tile_size(image))
    if len(places) > MAX_STRIPS:
        return False
    sizes = (jpeg.frame_size(photo, place) for place in places)
    return all(size is not None and size[0] <= width and size[1] <= height for size in sizes)
