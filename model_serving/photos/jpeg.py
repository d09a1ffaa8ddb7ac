"""JPEG segments: what a decoder needs is kept, what damage or excess in metadata could spoil is left out.

Markers are those of ITU-T T.81, annex B.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from PIL import Image

from model_serving.photos import exif
from model_serving.photos.errors import UnsupportedPhotoError

# Each scan of a JPEG goes over the whole image again, and an empty one takes ten bytes. Cameras and web sites write
# at most 14, between some hundred segments.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000
# A pixel is gone over once in each scan: so many megapixels times scans are some seconds of work.
MAX_SCANNED_PIXELS = 800_000_000

_EOI, _SOS, _COM = 0xD9, 0xDA, 0xFE
# Its last byte is padding, of any value.
_EXIF, _LEAST_EXIF = b"Exif\0", len(exif.PREFIX) + 8
_APP0, _APP1, _APP2, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
# Frames of Huffman-coded 8-bit pictures: baseline, extended, progressive.
_READ_FRAMES = (0xC0, 0xC1, 0xC2)
_JPEG_LS = 0xF7
_FRAMES = frozenset({*range(0xC0, 0xD0), _JPEG_LS}) - {0xC4, 0xC8, 0xCC}
# A marker whose segment has a length: not one that is stuffed, or stands alone, or is repeated to fill.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# Bytes that decode to some blocks of a picture if any are missing, and are passed over if none are.
_FILLER = b"\x55" * 64
_END = bytes([0xFF, _EOI])
_TOO_MANY_PARTS = "This JPEG is in too many small parts. Please save it as an ordinary JPEG."


class _Segment(NamedTuple):
    """A segment: its kind, and where its marker begins, its body, and what follows it."""

    kind: int
    start: int
    body: int
    end: int


def without_faults(jpeg: bytes) -> bytes:
    """Return a JPEG without the segments that neither its pixels nor their colours and orientation need.

    Kept are the first EXIF that has a directory and all parts of a colour profile; JFIF's and Adobe's marks, which say
    how the colours are meant, if they are whole. They come first: Pillow overlooks a profile behind the frame's header.
    Raises `UnsupportedPhotoError` for a coding that is not read, and for too many segments.
    """
    metadata, rest = [jpeg[:2]], list[bytes]()
    at, has_exif = 2, False
    for kind, start, begin, end in _segments(jpeg, at):
        if kind in (_SOS, _EOI):
            return b"".join([*metadata, *rest, jpeg[start:]])
        body = jpeg[begin:end]
        if kind in _FRAMES and (kind not in _READ_FRAMES or body[:1] != b"\x08"):
            raise UnsupportedPhotoError("This kind of JPEG is not read. Please save it as an ordinary JPEG.")
        if kind == _APP1:
            if body.startswith(_EXIF) and len(body) > _LEAST_EXIF and not has_exif:
                has_exif = True
                metadata += jpeg[start:begin], exif.PREFIX, body[len(exif.PREFIX) :]
        elif _APP0 <= kind <= _APP15:
            if _is_kept(kind, body):
                metadata.append(jpeg[start:end])
        elif kind != _COM:
            rest.append(jpeg[start:end])
        at = end
    return b"".join([*metadata, *rest, jpeg[at:]])


def _is_kept(kind: int, body: bytes) -> bool:
    if kind == _APP0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if kind == _APP2:
        return body.startswith(b"ICC_PROFILE\0") and len(body) > 14
    return kind == _APP14 and body.startswith(b"Adobe") and len(body) >= 12


def require_few_scans(jpeg: bytes, pixels: int) -> None:
    """Raise `UnsupportedPhotoError` if the scans of the first image are too many, or too many for so many pixels.

    The segments are walked over as the decoder will: a video may follow the image, a thumbnail be in it.
    """
    scans = 0
    for segment in _segments(jpeg, 2):
        if segment.kind == _EOI:
            return
        scans += segment.kind == _SOS
        if scans > MAX_SCANS or (scans > 1 and scans * pixels > MAX_SCANNED_PIXELS):
            raise UnsupportedPhotoError(_TOO_MANY_PARTS)


def frame_size(data: bytes, start: int) -> tuple[int, int] | None:
    """Return width and height of the frame of a JPEG that begins at `start`; None if it has none before its scan."""
    for kind, _, body, _ in islice(_segments(data, start + 2), MAX_SEGMENTS):  # of more: none, rather than an error
        if kind in (_SOS, _EOI):
            return None
        if kind in _FRAMES:
            return int.from_bytes(data[body + 3 : body + 5]), int.from_bytes(data[body + 1 : body + 3])
    return None


def _segments(data: bytes, at: int) -> Iterator[_Segment]:
    """Yield the segments from `at` on; raises `UnsupportedPhotoError` once `MAX_SEGMENTS` have been taken."""
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(data, at)
        if not marker:
            return
        length = marker.end()
        at = length + int.from_bytes(data[length : length + 2])
        yield _Segment(data[length - 1], marker.start(), length + 2, at)
    raise UnsupportedPhotoError(_TOO_MANY_PARTS)


def with_end(jpeg: bytes) -> bytes:
    """Return a JPEG with an end marker if that is all it lacks; otherwise, as it is.

    If no pixel is missing, bytes before the end marker change nothing: the picture is decoded with and without some,
    small, and compared.
    """
    if jpeg.endswith(_END):  # as nearly all do: to look for the last scan takes a tenth of a decode
        return jpeg
    start = jpeg.rfind(bytes([0xFF, _SOS]))
    if start < 0 or jpeg.find(_END, start) >= 0:
        return jpeg
    jpeg = jpeg.rstrip(b"\xff")  # half of the marker
    complete = jpeg + _END
    try:
        return complete if _small(complete) == _small(jpeg + _FILLER + _END) else jpeg
    except Exception:  # Decoders meet hostile bytes with exceptions of every kind.
        return jpeg


def _small(jpeg: bytes) -> bytes:
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
    image.draft(None, (1, 1))
    return image.tobytes()
