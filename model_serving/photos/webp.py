"""WebP headers (RFC 9649): the size of an extended photo, and a length of the file that is told too large."""

from __future__ import annotations

_HEADER_BYTES = 8


def is_webp(photo: bytes) -> bool:
    """Tell whether a photo is a WebP."""
    return photo[:4] == b"RIFF" and photo[8:12] == b"WEBP"


def canvas_pixels(webp: bytes) -> int:
    """Return width times height of an extended WebP, which the frames of an animation are drawn on; 0 of others."""
    if webp[12:16] != b"VP8X" or len(webp) < 30:
        return 0
    return (1 + int.from_bytes(webp[24:27], "little")) * (1 + int.from_bytes(webp[27:30], "little"))


def with_length(webp: bytes) -> bytes:
    """Return a WebP whose header tells no more bytes than there are: browsers draw those that are."""
    rest = len(webp) - _HEADER_BYTES
    if int.from_bytes(webp[4:8], "little") <= rest:
        return webp
    return webp[:4] + rest.to_bytes(4, "little") + webp[8:]
