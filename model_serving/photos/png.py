"""PNG chunks: what a decoder needs is kept, what damage or excess in metadata could spoil is left out.

Browsers pass over an ancillary chunk that is broken; Pillow refuses the whole photo for it (PNG specification, third
edition, 13.1).
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from model_serving.photos.errors import DamagedPhotoError, UnsupportedPhotoError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4)
# A colour profile has some kilobytes; with tables for printing it may have half a megabyte.
MAX_PROFILE_BYTES = 1 << 20
# A photo of 20 MB in parts of 4 kB has 5,000.
MAX_CHUNKS = 50_000

_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_ANIMATION_BYTES = {b"acTL": 8, b"fcTL": 26}
# Bytes of a tRNS chunk by the colour type; of a palette it has one for each entry.
_TRANSPARENCY_BYTES = {0: 2, 2: 6}
_PALETTE = 3
# What gAMA counts in, the powers that are sensible, and those that look as sRGB does.
_GAMMA_UNIT, _LEAST_GAMMA, _LARGEST_GAMMA = 100_000, 0.1, 10.0
_SRGB_GAMMA, _SRGB_TOLERANCE = 2.2, 0.1


@dataclass(frozen=True)
class Chunk:
    """A chunk with its place in the file, from its length to its checksum."""

    name: bytes
    body: bytes
    start: int
    end: int
    is_sound: bool


def without_faults(png: bytes) -> bytes:
    """Return a PNG with the chunks of its pixels, and of its metadata those that are whole and used.

    Kept beside the pixels are transparency, the colour profile, its code points (cICP), EXIF and an animation, if all
    of that is whole. Raises `DamagedPhotoError` for a palette that is missing.
    """
    is_animated = _has_whole_animation(png)
    parts, palette_bytes, colour, at = [SIGNATURE], 0, 0, len(SIGNATURE)
    has_pixels = False
    for chunk in _chunks(png):
        at = chunk.end
        if chunk.name == b"IHDR" and len(chunk.body) == 13:
            colour = chunk.body[9]
        elif chunk.name == b"PLTE":
            palette_bytes = len(chunk.body)
        elif chunk.name == b"IDAT" and colour == _PALETTE and not palette_bytes:
            raise DamagedPhotoError
        has_pixels |= chunk.name == b"IDAT"
        if (
            chunk.name in _PIXEL_CHUNKS
            or (is_animated and chunk.name in (b"acTL", b"fcTL", b"fdAT"))
            or (chunk.is_sound and _is_used(chunk, colour, palette_bytes))
        ):
            parts.append(png[chunk.start : chunk.end])
        if chunk.name == b"IEND":
            return b"".join(parts)
    if has_pixels and png[at + 4 : at + 8] != b"IDAT":
        return b"".join([*parts, _END])  # cut in what follows the pixels
    return b"".join([*parts, png[at:]])  # its end is missing: for the decoder to refuse


def code_points(png: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer characteristics (ITU-T H.273) of a chunk cICP, or None if there is none."""
    body = _before_pixels(png).get(b"cICP", b"")
    return (body[0], body[1]) if len(body) == 4 else None


def gamma(png: bytes) -> float | None:
    """Return the power of values that gives linear light, by the chunk gAMA; None if there is none, or it is sRGB's."""
    chunks = _before_pixels(png)
    body = chunks.get(b"gAMA", b"")
    power = _GAMMA_UNIT / max(1, int.from_bytes(body))
    is_told = len(body) == 4 and b"sRGB" not in chunks and _LEAST_GAMMA <= power <= _LARGEST_GAMMA
    return power if is_told and abs(power - _SRGB_GAMMA) > _SRGB_TOLERANCE else None


def _before_pixels(png: bytes) -> dict[bytes, bytes]:
    """Return the bodies of the sound chunks before the pixels, by their names."""
    chunks = itertools.takewhile(lambda chunk: chunk.name != b"IDAT", _chunks(png))
    return {chunk.name: chunk.body for chunk in chunks if chunk.is_sound}


def _chunks(png: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    for number in itertools.count():
        if at + 12 > len(png):
            return
        if number == MAX_CHUNKS:
            raise UnsupportedPhotoError("This PNG is in too many small parts. Please save the photo as a JPEG.")
        end = at + 12 + int.from_bytes(png[at : at + 4])
        if end > len(png):
            return
        name = png[at + 4 : at + 8]
        if name in (b"IDAT", b"fdAT"):  # checked by the decoder, and too large to be copied for nothing
            yield Chunk(name, b"", at, end, True)
        else:
            is_sound = zlib.crc32(png[at + 4 : end - 4]) == int.from_bytes(png[end - 4 : end])
            yield Chunk(name, png[at + 8 : end - 4], at, end, is_sound)
        at = end


def _has_whole_animation(png: bytes) -> bool:
    if png.find(b"acTL") < 0:
        return False
    parts = [chunk for chunk in _chunks(png) if chunk.name in _ANIMATION_BYTES]
    return all(part.is_sound and len(part.body) == _ANIMATION_BYTES[part.name] for part in parts)


def _is_used(chunk: Chunk, colour: int, palette_bytes: int) -> bool:
    if chunk.name == b"tRNS":
        size = len(chunk.body)
        return 0 < size <= palette_bytes // 3 if colour == _PALETTE else size == _TRANSPARENCY_BYTES.get(colour)
    if chunk.name == b"iCCP":
        return _is_profile(chunk.body)
    return chunk.name in (b"cICP", b"eXIf")


def _is_profile(body: bytes) -> bool:
    """Tell whether an iCCP chunk holds a profile that is compressed as it should be, and not too large."""
    name, _, rest = body.partition(b"\0")
    if not 1 <= len(name) <= 79 or rest[:1] != b"\0":
        return False
    try:
        profile = zlib.decompressobj().decompress(rest[1:], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return False
    return len(profile) <= MAX_PROFILE_BYTES
