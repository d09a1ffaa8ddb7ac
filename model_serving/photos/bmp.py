"""BMP photos that Pillow reads wrongly or slowly: run-length codes, and an alpha channel that is all zero."""

from __future__ import annotations

from PIL import Image

from model_serving.photos.errors import DamagedPhotoError, UnsupportedPhotoError

UNREAD = "This kind of BMP is not read. Please send the photo as a JPEG."

# Codes of a run-length coded picture, each a step in Python: two seconds of work or three at most.
MAX_CODES = 2_500_000

_RLE8, _RLE4 = 1, 2
_HEADER_BYTES = frozenset({12, *range(16, 65), 108, 124})
_BYTES = [bytes((value,)) for value in range(256)]
_BLACK_AND_WHITE = bytes((0, *(255,) * 255))
_END_OF_LINE, _END_OF_BITMAP, _DELTA = 0, 1, 2


def decode_runs(image: Image.Image, bmp: bytes) -> Image.Image | None:
    """Return the pixels of a run-length coded BMP that Pillow has opened, or None for one that is not.

    Raises `DamagedPhotoError` if codes or pixels are missing or lie outside, and `UnsupportedPhotoError` for too many
    codes. Pixels that the codes skip have the first colour of the palette. (Microsoft, "Bitmap Compression".)
    """
    compression = image.info.get("compression")
    if compression not in (_RLE8, _RLE4) or image.mode not in ("P", "L", "1"):
        return None
    width, height = image.size
    pixels = bytearray(width * height)
    at, x, y = int.from_bytes(bmp[10:14], "little"), 0, 0
    for _ in range(MAX_CODES):
        if at + 2 > len(bmp):
            if y >= height:
                break  # the last code is often left out
            raise DamagedPhotoError
        count, value = bmp[at], bmp[at + 1]
        at += 2
        if count:
            run = _run(count, value, compression)
        elif value == _END_OF_LINE:
            x, y = 0, y + 1
            continue
        elif value == _END_OF_BITMAP:
            break
        elif value == _DELTA:
            if at + 2 > len(bmp):
                raise DamagedPhotoError
            x, y, at = x + bmp[at], y + bmp[at + 1], at + 2
            continue
        else:
            size = value if compression == _RLE8 else (value + 1) // 2
            run = _literal(bmp[at : at + size], value, compression)
            at += size + size % 2
        if y >= height:
            raise DamagedPhotoError
        if x + len(run) > width:
            run = run[: max(0, width - x)]
        start = y * width + x
        pixels[start : start + len(run)] = run
        x += len(run)
        if y == height - 1 and x >= width and at >= len(bmp):
            break
    else:
        raise UnsupportedPhotoError("This BMP is in too many small parts. Please save the photo as a JPEG.")
    if image.mode == "1":  # a palette of black and white
        pixels = pixels.translate(_BLACK_AND_WHITE)
    decoded = Image.frombytes("P" if image.mode == "P" else "L", image.size, bytes(pixels))
    if image.palette:
        rawmode, palette = image.palette.getdata()  # `getpalette` would have Pillow decode the pixels
        decoded.putpalette(palette, rawmode)
    is_top_down = bmp[25] >= 0x80  # a negative height
    return decoded if is_top_down else decoded.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _run(count: int, value: int, compression: int) -> bytes:
    if compression == _RLE8:
        return _BYTES[value] * count
    return (bytes((value >> 4, value & 15)) * ((count + 1) // 2))[:count]


def _literal(data: bytes, count: int, compression: int) -> bytes:
    if compression == _RLE8:
        return data
    return bytes(half for byte in data for half in (byte >> 4, byte & 15))[:count]


def is_unread(bmp: bytes) -> bool:
    """Tell whether a BMP that Pillow does not open is whole: its masks, depth or compression are the reason, then."""
    size = int.from_bytes(bmp[14:18], "little")
    return bmp[:2] == b"BM" and len(bmp) > 14 + size and size in _HEADER_BYTES


def fill_empty_alpha(image: Image.Image) -> None:
    """Make a decoded BMP opaque if its alpha channel is zero everywhere: such a channel is padding."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image.putalpha(255)
