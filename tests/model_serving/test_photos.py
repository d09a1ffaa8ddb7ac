"""Every kind of photo gives the right pixels, or an error that says what is wrong with it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from model_serving.photos import (
    MAX_PIXELS,
    DamagedPhotoError,
    Geometry,
    PhotoError,
    TooManyPixelsError,
    UnsupportedPhotoError,
    read_pixels,
)

WHOLE = Geometry(size=32, crop=1.0)
RED, GREEN, BLUE, WHITE, BLACK, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128,) * 3
ORIENTATION = 0x0112


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def quadrants() -> Image.Image:
    """Red, green above blue, white: no two of the eight orientations look the same."""
    image = Image.new("RGB", (96, 64), RED)
    image.paste(GREEN, (48, 0, 96, 32))
    image.paste(BLUE, (0, 32, 48, 64))
    image.paste(WHITE, (48, 32, 96, 64))
    return image


def turned(orientation: int) -> tuple[Image.Image, Image.Exif]:
    """Return the quadrants as a camera stores them when its EXIF says `orientation`, and that EXIF."""
    transpose = Image.Transpose
    stored_by = {
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_90,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = quadrants()
    return (image.transpose(stored_by[orientation]) if orientation in stored_by else image), exif


def looks(pixels: Image.Image) -> list[tuple[int, int, int]]:
    """Return the colours in the middle of the four quadrants, rounded to the nearest of 0, 128 and 255."""
    quarter, rest = pixels.width // 4, pixels.width * 3 // 4
    places = [(quarter, quarter), (rest, quarter), (quarter, rest), (rest, rest)]
    return [tuple(min((0, 128, 255), key=lambda v: abs(v - c)) for c in pixels.getpixel(p)) for p in places]


def halves(left: object, right: object, mode: str) -> Image.Image:
    image = Image.new(mode, (64, 64), left)
    image.paste(right, (32, 0, 64, 64))
    return image


def png(width: int, height: int, depth: int, colour: int, row: bytes, transparent: bytes = b"") -> bytes:
    """Write a PNG of equal rows by hand, for the kinds that Pillow reads and does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"tRNS", transparent) if transparent else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + body
        + chunk(b"IDAT", zlib.compress((b"\0" + row) * height))
        + chunk(b"IEND", b"")
    )


def grey16(big_endian: bool = False) -> Image.Image:
    values = np.full((64, 64), 65535, ">u2" if big_endian else "<u2")
    values[:, :32] = 128 * 257
    return Image.frombytes("I;16B" if big_endian else "I;16", (64, 64), values.tobytes())


def palette_with_hidden_red() -> Image.Image:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([*RED, *BLUE])
    image.paste(1, (32, 0, 64, 64))
    return image


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, GREEN, BLUE)]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)


def cut(photo: bytes, share: float = 0.6) -> bytes:
    return photo[: int(len(photo) * share)]


def noise(size: int = 200) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8))


# name: (encoded photo, colour in the left half, colour in the right half)
KINDS: dict[str, tuple[Callable[[], bytes], tuple[int, ...], tuple[int, ...]]] = {
    "jpeg": (lambda: encode(halves(RED, BLUE, "RGB"), "JPEG"), RED, BLUE),
    "progressive jpeg": (lambda: encode(halves(RED, BLUE, "RGB"), "JPEG", progressive=True), RED, BLUE),
    "grey jpeg": (lambda: encode(halves(128, 255, "L"), "JPEG"), GREY, WHITE),
    "adobe cmyk jpeg": (lambda: encode(halves((0, 255, 255, 0), (0, 0, 0, 127), "CMYK"), "JPEG"), RED, GREY),
    "cmyk tiff": (lambda: encode(halves((0, 255, 255, 0), (0, 0, 0, 127), "CMYK"), "TIFF"), RED, GREY),
    "ycbcr tiff": (
        lambda: encode(halves(RED, BLUE, "RGB").convert("YCbCr"), "TIFF", compression="tiff_lzw"),
        RED,
        BLUE,
    ),
    "mpo": (
        lambda: encode(Image.new("RGB", (64, 64), RED), "MPO", save_all=True, append_images=[noise(64)]),
        RED,
        RED,
    ),
    "one bit": (lambda: encode(halves(0, 1, "1")), BLACK, WHITE),
    "grey": (lambda: encode(halves(128, 255, "L")), GREY, WHITE),
    "grey with alpha": (lambda: encode(halves((0, 0), (128, 255), "LA")), WHITE, GREY),
    "grey with a transparent value": (lambda: encode(halves(0, 128, "L"), transparency=0), WHITE, GREY),
    "colour with a transparent value": (lambda: encode(halves(RED, BLUE, "RGB"), transparency=RED), WHITE, BLUE),
    "hidden colour": (lambda: encode(halves((*RED, 0), (*BLUE, 255), "RGBA")), WHITE, BLUE),
    "half transparent": (lambda: encode(halves((0, 0, 0, 127), (*BLUE, 255), "RGBA")), GREY, BLUE),
    "hidden colour webp": (
        lambda: encode(halves((*RED, 0), (*BLUE, 255), "RGBA"), "WEBP", lossless=True, exact=True),
        WHITE,
        BLUE,
    ),
    "palette": (lambda: encode(palette_with_hidden_red()), RED, BLUE),
    "palette with alpha": (lambda: encode(palette_with_hidden_red(), transparency=bytes([0, 255])), WHITE, BLUE),
    "gif with a transparent colour": (lambda: encode(palette_with_hidden_red(), "GIF", transparency=0), WHITE, BLUE),
    "16 bit grey png": (lambda: encode(grey16()), GREY, WHITE),
    "16 bit grey tiff": (lambda: encode(grey16(), "TIFF"), GREY, WHITE),
    "16 bit grey tiff, big endian": (lambda: encode(grey16(big_endian=True), "TIFF"), GREY, WHITE),
    "16 bit grey png with a transparent value": (
        lambda: png(2, 2, 16, 0, b"\x12\x34" + b"\x80\x80", transparent=b"\x12\x34"),
        WHITE,
        GREY,
    ),
    "16 bit colour png": (lambda: png(2, 2, 16, 2, b"\xff\xff\0\0\0\0" + b"\0\0\0\0\xff\xff"), RED, BLUE),
    "16 bit colour png with a transparent value": (
        lambda: png(2, 2, 16, 2, b"\xff\xff\0\0\0\0" + b"\0\0\0\0\xff\xff", transparent=b"\xff\xff\0\0\0\0"),
        WHITE,
        BLUE,
    ),
    "16 bit png with alpha": (
        lambda: png(2, 2, 16, 6, b"\xff\xff\0\0\0\0\0\0" + b"\0\0\0\0\xff\xff\xff\xff"),
        WHITE,
        BLUE,
    ),
    "bmp": (lambda: encode(halves(RED, BLUE, "RGB"), "BMP"), RED, BLUE),
    "webp": (lambda: encode(halves(RED, BLUE, "RGB"), "WEBP", lossless=True), RED, BLUE),
    "avif": (lambda: encode(halves(RED, BLUE, "RGB"), "AVIF"), RED, BLUE),
    "animated gif": (lambda: animation("GIF"), RED, RED),
    "animated webp": (lambda: animation("WEBP"), RED, RED),
    "animated png": (lambda: animation("PNG"), RED, RED),
    "one pixel": (lambda: encode(Image.new("RGB", (1, 1), BLUE)), BLUE, BLUE),
    "very wide": (lambda: encode(Image.new("RGB", (30_000, 1), RED), "JPEG"), RED, RED),
    "very tall": (lambda: encode(Image.new("RGB", (1, 30_000), GREEN), "JPEG"), GREEN, GREEN),
    "damaged exif": (lambda: encode(halves(RED, BLUE, "RGB"), "JPEG", exif=b"Exif\0\0nonsense"), RED, BLUE),
    "damaged colour profile": (lambda: encode(halves(RED, BLUE, "RGB"), icc_profile=b"nonsense" * 20), RED, BLUE),
    "colour profile of a grey image": (lambda: encode(halves(128, 255, "L"), icc_profile=srgb_profile()), GREY, WHITE),
}


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_read_pixels_of_any_kind_gives_the_colours_seen(kind: str) -> None:
    """Whatever the mode, depth, palette or transparency, the model sees the colours that a person sees on white."""
    make, left, right = KINDS[kind]
    pixels = read_pixels(make(), WHOLE)
    assert (pixels.mode, pixels.size) == ("RGB", (32, 32))
    assert looks(pixels) == [left, right, left, right]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_pixels_of_a_turned_photo_gives_it_upright(kind: str, orientation: int) -> None:
    """All eight EXIF orientations come out upright, once, in every format that carries them."""
    image, exif = turned(orientation)
    assert looks(read_pixels(encode(image, kind, exif=exif), WHOLE)) == [RED, GREEN, BLUE, WHITE]


def test_read_pixels_sees_the_central_square_only() -> None:
    """What lies outside the central crop, as large as the card says, does not reach the model."""
    image = Image.new("RGB", (200, 100), RED)
    image.paste(BLUE, (54, 4, 146, 96))  # the crop of 80 pixels, and what the resize takes from beyond its edge
    assert read_pixels(encode(image), Geometry(size=16, crop=0.8)).getcolors() == [(256, BLUE)]


def test_read_pixels_with_a_colour_profile_gives_srgb() -> None:
    """A photo's colour profile is applied: under one that swaps red and blue, stored red is seen as blue."""
    swapped = srgb_profile().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    photo = encode(halves(RED, GREEN, "RGB"), icc_profile=swapped)
    assert looks(read_pixels(photo, WHOLE)) == [BLUE, GREEN, BLUE, GREEN]


def test_read_pixels_of_scaled_jpegs_stays_within_one_grey_level(shared_images: Path) -> None:
    """Letting the decoder scale real photos changes the pixels by less than 1 of 255 grey levels on average."""
    geometry = Geometry(size=100, crop=0.89)  # small, so that photos of 500 pixels are scaled while they decode
    scaled = 0
    for path in sorted((shared_images / "dogs").glob("*.jpg")) + sorted((shared_images / "udacity133").glob("*.jpg")):
        photo = path.read_bytes()
        with Image.open(path) as image:
            if "icc_profile" in image.info:
                continue
            scaled += min(image.size) >= 4 * geometry.size / geometry.crop
            exact = read_pixels(encode(image), geometry)  # as a PNG, which is always decoded in full
        seen = read_pixels(photo, geometry)
        assert np.abs(np.asarray(seen, float) - np.asarray(exact, float)).mean() < 1, path.name
    assert scaled > 20


BAD: dict[str, tuple[Callable[[], bytes], type[PhotoError]]] = {
    "no bytes": (lambda: b"", UnsupportedPhotoError),
    "text": (lambda: b"Dear dog, this is a letter. " * 20, UnsupportedPhotoError),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedPhotoError),
    "pdf": (lambda: encode(quadrants(), "PDF"), UnsupportedPhotoError),
    "eps, which would run a program": (lambda: encode(quadrants(), "EPS"), UnsupportedPhotoError),
    "truncated jpeg": (lambda: cut(encode(noise(), "JPEG")), DamagedPhotoError),
    "truncated progressive jpeg": (lambda: cut(encode(noise(), "JPEG", progressive=True)), DamagedPhotoError),
    "truncated png": (lambda: cut(encode(noise())), DamagedPhotoError),
    "truncated webp": (lambda: cut(encode(noise(), "WEBP")), DamagedPhotoError),
    "truncated gif": (lambda: cut(encode(noise(), "GIF")), DamagedPhotoError),
    "truncated bmp": (lambda: cut(encode(noise(), "BMP")), DamagedPhotoError),
    "truncated tiff": (lambda: cut(encode(noise(), "TIFF", compression="tiff_lzw")), DamagedPhotoError),
    "truncated avif": (lambda: cut(encode(noise(), "AVIF")), DamagedPhotoError),
    "jpeg cut in its header": (lambda: encode(noise(), "JPEG")[:20], DamagedPhotoError),
    "png signature alone": (lambda: b"\x89PNG\r\n\x1a\n", DamagedPhotoError),
    "png of no width": (lambda: png(0, 5, 8, 2, b""), DamagedPhotoError),
    # The bombs hold no pixels: had one been decoded, it would be called damaged.
    "bomb just above the limit": (lambda: png(MAX_PIXELS + 1, 1, 8, 0, b""), TooManyPixelsError),
    "bomb above Pillow's own limit": (lambda: png(60_000, 60_000, 1, 0, b"\0"), TooManyPixelsError),
    "gif bomb": (lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",", DamagedPhotoError),
}


@pytest.mark.parametrize("kind", BAD)
def test_read_pixels_of_a_bad_photo_raises_its_error(kind: str) -> None:
    """Whatever cannot be read raises the error of its kind, with a sentence and nothing of the decoder's own words."""
    make, expected = BAD[kind]
    with pytest.raises(PhotoError) as raised:
        read_pixels(make(), WHOLE)
    assert type(raised.value) is expected
    assert "Please" in str(raised.value)


def test_read_pixels_at_the_limit_is_allowed() -> None:
    """The limit is the largest photo that is read, to the pixel, and the error names it."""
    photo = encode(Image.new("L", (100, 100)))
    assert read_pixels(photo, WHOLE, max_pixels=10_000).size == (32, 32)
    with pytest.raises(TooManyPixelsError, match=r"0\.009999 million"):
        read_pixels(photo, WHOLE, max_pixels=9_999)
