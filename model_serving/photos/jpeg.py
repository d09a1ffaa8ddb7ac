"""JPEG segments: what a decoder needs is kept, what damage or excess in metadata could spoil is left out.

Markers are those of ITU-T T.81, annex B.
"""

from __future__ import annotations

import io
import re

from PIL import Image

from model_serving.photos.errors import UnsupportedPhotoError

# Each scan of a JPEG goes over the whole image again, and an empty one takes ten bytes. Cameras and web sites write
# at most 14, between some hundred segments.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000
# A pixel is gone over once in each scan: so many megapixels times scans are some seconds of work.
MAX_SCANNED_PIXELS = 800_000_000

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
# Frames of Huffman-coded 8-bit pictures: baseline, extended, progressive.
_READ_FRAMES = (0xC0, 0xC1, 0xC2)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A marker whose segment has a length: not one that is stuffed, or stands alone, or is repeated to fill.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# Bytes that decode to some blocks of a picture if any are missing, and are passed over if none are.
_FILLER = b"\x55" * 64
_END = b"\xff\xd9"


def without_faults(jpeg: bytes) -> bytes:
    """Return a JPEG without the segments that neither its pixels nor their colours and orientation need.

    Kept are the first EXIF and all parts of a colour profile; JFIF's and Adobe's marks, which say how the colours are
    meant, if they are whole. Raises `UnsupportedPhotoError` for a coding that is not read, and for too many segments.
    """
    parts, at, has_exif = [jpeg[:2]], 2, False
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(jpeg, at)
        if not marker:
            break
        kind, start = jpeg[marker.end() - 1], marker.start()
        if kind in (_SOS, _EOI):
            return b"".join([*parts, jpeg[start:]])
        end = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2])
        body = jpeg[marker.end() + 2 : end]
        if kind in _FRAMES and (kind not in _READ_FRAMES or body[:1] != b"\x08"):
            raise UnsupportedPhotoError("This kind of JPEG is not read. Please save it as an ordinary JPEG.")
        if kind == _APP1:
            is_exif = body.startswith(b"Exif\0\0") and not has_exif
            has_exif |= is_exif
            if is_exif:
                parts.append(jpeg[start:end])
        elif _is_kept(kind, body):
            parts.append(jpeg[start:end])
        at = end
    else:
        raise UnsupportedPhotoError("This JPEG is in too many small parts. Please save it as an ordinary JPEG.")
    return b"".join([*parts, jpeg[at:]])


def _is_kept(kind: int, body: bytes) -> bool:
    if kind == _APP0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if kind == _APP2:
        return body.startswith(b"ICC_PROFILE\0")
    if kind == _APP14:
        return body.startswith(b"Adobe") and len(body) >= 12
    return not _APP0 <= kind <= _APP15 and kind != _COM


def has_many_scans(jpeg: bytes, pixels: int) -> bool:
    """Tell whether the scans of the first image are too many, or too many for so many pixels.

    The segments are walked over as the decoder will: a video may follow the image, a thumbnail be in it.
    """
    scans, at = 0, 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(jpeg, at)
        if not found or jpeg[found.end() - 1] == _EOI:
            return False
        scans += jpeg[found.end() - 1] == _SOS
        if scans > MAX_SCANS or (scans > 1 and scans * pixels > MAX_SCANNED_PIXELS):
            return True
        at = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2])
    return True


def frame_size(data: bytes, start: int) -> tuple[int, int] | None:
    """Return width and height of the frame of a JPEG that begins at `start`; None if it has none before its scan."""
    at = start + 2
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(data, at)
        if not marker or data[marker.end() - 1] in (_SOS, _EOI):
            return None
        at = marker.end()
        if data[at - 1] in _FRAMES:
            return int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 3 : at + 5])
        at += int.from_bytes(data[at : at + 2])
    return None


def with_end(jpeg: bytes) -> bytes:
    """Return a JPEG with an end marker if that is all it lacks; otherwise, as it is.

    If no pixel is missing, bytes before the end marker change nothing: the picture is decoded with and without some,
    small, and compared.
    """
    start = jpeg.rfind(bytes([0xFF, _SOS]))
    if start < 0 or jpeg.find(_END, start) >= 0:
        return jpeg
    complete = jpeg + _END
    try:
        return complete if _small(complete) == _small(jpeg + _FILLER + _END) else jpeg
    except Exception:  # Decoders meet hostile bytes with exceptions of every kind.
        return jpeg


def _small(jpeg: bytes) -> bytes:
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
    image.draft(None, (1, 1))
    return image.tobytes()
