"""The table of photos: each kind with the colours that are to be seen, or the error that is to be raised.

The same table is put to `read_pixels`, to the gateway over HTTP, and to the fuzzer, which mutates it. Files are small
and made when they are asked for; the kinds that Pillow reads and does not write are written by hand.
"""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

from model_serving.photos import (
    MAX_PIXELS,
    DamagedPhotoError,
    PhotoError,
    TooManyPixelsError,
    UnsupportedPhotoError,
)
from tests.colour_profiles import cmyk_profile, grey_profile, rgb_profile

pillow_heif.register_heif_opener()  # to write them

Colour = tuple[int, int, int]
RED, GREEN, BLUE, WHITE, BLACK, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128,) * 3
YELLOW = (255, 255, 0)
ORIENTATION = 0x0112


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def inflating(size: int = 1 << 30) -> bytes:
    """Return `size` zeros, whole megabytes, deflated to a few of them.

    Each begins afresh in the stream (zlib's full flush), so that one deflated megabyte is all of them.
    """
    deflate = zlib.compressobj(1)
    head = deflate.compress(b"") + deflate.flush(zlib.Z_FULL_FLUSH)
    megabyte = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    end = b"\x03\0" + struct.pack(">HH", size % 65_521, 1)  # an empty last block, and the sum of zeros (Adler-32)
    return head + megabyte * (size >> 20) + end


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


def looks(pixels: Image.Image) -> np.ndarray:
    """Return the colours in the middle of the four quadrants."""
    quarter, rest = pixels.width // 4, pixels.width * 3 // 4
    return np.asarray(pixels, int)[[quarter, quarter, rest, rest], [quarter, rest, quarter, rest]]


def halves(left: object, right: object, mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (64, 64), left)
    image.paste(right, (32, 0, 64, 64))
    return image


def noise(size: int = 200) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8))


def spoilt(photo: bytes) -> bytes:
    """Return a PNG in which the checksum of every ancillary chunk is wrong."""
    at, parts = 8, [photo[:8]]
    while at < len(photo):
        end = at + 12 + int.from_bytes(photo[at : at + 4])
        is_critical = photo[at + 4 : at + 5].isupper()
        parts.append(photo[at:end] if is_critical else photo[at : end - 4] + b"\0\0\0\0")
        at = end
    return b"".join(parts)


def gif_after_an_empty_frame() -> bytes:
    """Return an animated GIF whose first frame shows nothing."""
    empty, shown = Image.new("RGBA", (64, 64), (0, 0, 0, 0)), halves((*RED, 255), (*BLUE, 255), "RGBA")
    return encode(empty, "GIF", save_all=True, append_images=[shown], disposal=2)


def animation_after_an_empty_frame(kind: str) -> bytes:
    """Return an animation whose first frame shows nothing."""
    empty, shown = Image.new("RGBA", (64, 64), (0, 0, 0, 0)), halves((*RED, 255), (*BLUE, 255), "RGBA")
    return encode(empty, kind, save_all=True, append_images=[shown], lossless=True)


def bmp_of_runs(codes: bytes, first: tuple[int, int, int] = RED, second: tuple[int, int, int] = BLUE) -> bytes:
    """Return a run-length coded BMP of 4 x 4 pixels with a palette of two colours."""
    palette = bytes((*reversed(first), 0, *reversed(second), 0))
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, len(codes), 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62 + len(codes), 0, 0, 62) + header + palette + codes


def bmp_with_padding() -> bytes:
    """Return a BMP of 32 bits a pixel with masks, whose alpha is zero everywhere."""
    pixels = (bytes((*reversed(RED), 0)) * 2 + bytes((*reversed(BLUE), 0)) * 2) * 4
    header = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return b"BM" + struct.pack("<IHHI", 70 + len(pixels), 0, 0, 70) + header + masks + pixels


def png_chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, row: bytes, *before: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of equal rows, with the chunks given before its pixels."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
        + b"".join(png_chunk(name, data) for name, data in before)
        + png_chunk(b"IDAT", zlib.compress((b"\0" + row) * height))
        + png_chunk(b"IEND")
    )


def tiff(width: int, height: int, tags: dict[int, list[int]], strips: list[bytes]) -> bytes:
    """Return an uncompressed TIFF of 16 bits a sample, or what `tags` make of it, in the strips or tiles given."""
    places, data = [], b"II*\0\0\0\0\0"
    for strip in strips:
        places.append(len(data))
        data += strip
    tiled = 322 in tags
    tags = {256: [width], 257: [height], 259: [1], **tags}
    tags[324 if tiled else 273] = places
    tags[325 if tiled else 279] = [len(strip) for strip in strips]
    directory, beyond = b"", b""
    at = len(data) + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            packed, beyond = struct.pack("<I", at + len(beyond)), beyond + packed
        directory += struct.pack("<HHI", tag, 4, len(values)) + packed
    header = data[:4] + struct.pack("<I", len(data)) + data[8:]
    return header + struct.pack("<H", len(tags)) + directory + b"\0\0\0\0" + beyond


def tiff_in_planes(orientation: int = 1) -> bytes:
    """Return a TIFF of 16 bits a sample whose red, green and blue stand apart."""
    planes = [np.array([left, right] * 2, "<u2").tobytes() for left, right in ((65535, 0), (0, 0), (0, 65535))]
    return tiff(2, 2, {258: [16] * 3, 262: [2], 274: [orientation], 277: [3], 278: [2], 284: [2]}, planes)


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


def cmyk_jpeg() -> bytes:
    return encode(halves((0, 255, 255, 0), (0, 0, 0, 127), "CMYK"), "JPEG")


def without_adobe_marker(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee\x00\x0eAdobe")
    return jpeg[:at] + jpeg[at + 16 :]


def jpeg_of_a_late_profile() -> bytes:
    """Return a JPEG in Display P3 whose profile stands between the frame's header and the scan."""
    jpeg = encode(halves((200, 100, 50), WHITE), "JPEG", quality=95)
    profile = b"ICC_PROFILE\0\1\1" + rgb_profile("display p3")
    at = jpeg.index(b"\xff\xda")
    return jpeg[:at] + b"\xff\xe2" + struct.pack(">H", len(profile) + 2) + profile + jpeg[at:]


def ycck_jpeg() -> bytes:
    """Store luma and chroma of the inks as if they were four inks, and then declare them as what they are."""
    image = halves((0, 255, 255, 0), (0, 0, 0, 127), "CMYK")
    *inks, black = image.split()
    luma_chroma = Image.merge("RGB", inks).convert("YCbCr").split()
    stored = Image.merge("CMYK", [*(band.point(lambda value: 255 - value) for band in luma_chroma), black])
    jpeg = bytearray(encode(stored, "JPEG"))
    jpeg[jpeg.index(b"Adobe") + 11] = 2
    return bytes(jpeg)


def tiff_of_a_palette(colours: list[int]) -> bytes:
    """Return a TIFF of 2 bits a pixel: the reds of its colours come first, then the greens, then the blues."""
    return tiff(4, 2, {258: [2], 262: [3], 277: [1], 320: colours}, [b"\x05" * 2])


def tiff16(colours: list[tuple[int, ...]]) -> bytes:
    """Return a TIFF of 16 bits, its columns the colours of 8 bits given; alpha is not premultiplied."""
    row = np.array(colours, "<u2") * 257
    count = row.shape[1]
    extra = {338: [2]} if count == 4 else {}
    depth = {258: [16] * count, 262: [2], 277: [count], 278: [2], **extra}
    return tiff(len(colours), 2, depth, [row.tobytes() * 2])


def striped_tiff() -> bytes:
    row = np.array([RED] * 32 + [BLUE] * 32, np.uint8).tobytes()
    return tiff(64, 64, {258: [8] * 3, 262: [2], 277: [3], 278: [8]}, [row * 8] * 8)


def tiled_tiff() -> bytes:
    tiles = [np.full((32, 32, 3), colour, np.uint8).tobytes() for colour in (RED, BLUE)]
    return tiff(64, 64, {258: [8] * 3, 262: [2], 277: [3], 322: [32], 323: [32]}, tiles * 2)


def gif_beyond_its_canvas() -> bytes:
    """Declare a canvas of 8 x 8 pixels around a frame of 64 x 64."""
    gif = encode(palette_with_hidden_red(), "GIF")
    return gif[:6] + struct.pack("<HH", 8, 8) + gif[10:]


def gif_that_grows() -> bytes:
    """Return an animated GIF whose first frame shows nothing, and whose second is larger than the picture."""
    gif = encode(Image.new("P", (64, 64), 0), "GIF", transparency=0)
    frame = gif[gif.index(b"!\xf9") : -1]
    place = b",\0\0\0\0"
    return (
        gif[:-1]
        + enlarged(frame, place + struct.pack("<HH", 64, 64), place + struct.pack("<HH", 13_000, 13_000))
        + b";"
    )


def gif_within_its_canvas() -> bytes:
    """Declare a canvas of twice the width around a frame, on its right, without a transparent colour."""
    gif = encode(Image.new("P", (32, 64), 0), "GIF", background=0)
    frame = gif.index(b",\0\0\0\0 \0@\0")
    return gif[:6] + struct.pack("<HH", 64, 64) + gif[10 : frame + 1] + struct.pack("<HH", 32, 0) + gif[frame + 5 :]


def png_apart_from_its_animation() -> bytes:
    """Return an animated PNG whose picture, for programs without animation, is none of its frames."""
    control = struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 10, 0, 0)
    return (
        png(64, 64, 8, 0, b"\0" * 64, (b"acTL", struct.pack(">II", 1, 0)))[: -len(png_chunk(b"IEND"))]
        + png_chunk(b"fcTL", control)
        + png_chunk(b"fdAT", b"\0\0\0\1" + zlib.compress((b"\0" + b"\x80" * 32 + b"\xff" * 32) * 64))
        + png_chunk(b"IEND")
    )


def many_frames(count: int = 20_000) -> bytes:
    """Repeat the frame of a GIF: red in its left half, as long as it is not drawn that often."""
    gif = encode(palette_with_hidden_red(), "GIF")
    at = gif.index(b"!\xf9") if b"!\xf9" in gif else gif.index(b",\0\0\0\0")
    return gif[:at] + gif[at:-1] * count + b";"


def renamed_brand(heic: bytes, major: bytes) -> bytes:
    return heic[:8] + major + heic[12:]


def told_too_long(webp: bytes) -> bytes:
    return webp[:4] + struct.pack("<I", len(webp) + 1_000) + webp[8:]


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# name: (encoded photo, colour in the left half, colour in the right half)
KINDS: dict[str, tuple[Callable[[], bytes], Colour, Colour]] = {
    "jpeg": (lambda: encode(halves(RED, BLUE), "JPEG"), RED, BLUE),
    "progressive jpeg": (lambda: encode(halves(RED, BLUE), "JPEG", progressive=True), RED, BLUE),
    "grey jpeg": (lambda: encode(halves(128, 255, "L"), "JPEG"), GREY, WHITE),
    "adobe cmyk jpeg": (cmyk_jpeg, RED, GREY),
    # Without the marker nothing says so, and browsers take the inks as inverted all the same.
    "cmyk jpeg without adobe's marker": (lambda: without_adobe_marker(cmyk_jpeg()), RED, GREY),
    "ycck jpeg": (ycck_jpeg, RED, GREY),
    "jpeg with a video behind it": (
        lambda: encode(halves(RED, BLUE), "JPEG") + b"\xff\xda" * 1_000,
        RED,
        BLUE,
    ),
    "jpeg with scans in its metadata": (
        lambda: encode(halves(RED, BLUE), "JPEG", comment=b"\xff\xda" * 1_000),
        RED,
        BLUE,
    ),
    "mpo": (
        lambda: encode(Image.new("RGB", (64, 64), RED), "MPO", save_all=True, append_images=[noise(64)]),
        RED,
        RED,
    ),
    "jpeg in display p3": (
        lambda: encode(halves((200, 100, 50), WHITE), "JPEG", icc_profile=rgb_profile("display p3"), quality=95),
        (216, 93, 24),
        WHITE,
    ),
    "jpeg in adobe rgb": (
        lambda: encode(halves((150, 100, 50), WHITE), "JPEG", icc_profile=rgb_profile("adobe rgb"), quality=95),
        (167, 100, 42),
        WHITE,
    ),
    "cmyk jpeg with a profile": (
        lambda: encode(halves((255, 0, 0, 0), (0, 0, 0, 0), "CMYK"), "JPEG", icc_profile=cmyk_profile()),
        YELLOW,
        WHITE,
    ),
    "cmyk tiff": (lambda: encode(halves((0, 255, 255, 0), (0, 0, 0, 127), "CMYK"), "TIFF"), RED, GREY),
    "ycbcr tiff": (
        lambda: encode(halves(RED, BLUE).convert("YCbCr"), "TIFF", compression="tiff_lzw"),
        RED,
        BLUE,
    ),
    "one bit": (lambda: encode(halves(0, 1, "1")), BLACK, WHITE),
    "one bit tiff": (lambda: encode(halves(0, 1, "1"), "TIFF", compression="group4"), BLACK, WHITE),
    "grey": (lambda: encode(halves(128, 255, "L")), GREY, WHITE),
    "grey png with a profile": (lambda: encode(halves(128, 255, "L"), icc_profile=grey_profile()), (188,) * 3, WHITE),
    "grey png with a profile and alpha": (
        lambda: encode(halves((128, 255), (0, 0), "LA"), icc_profile=grey_profile()),
        (188,) * 3,
        WHITE,
    ),
    "grey with alpha": (lambda: encode(halves((0, 0), (128, 255), "LA")), WHITE, GREY),
    "grey with a transparent value": (lambda: encode(halves(0, 128, "L"), transparency=0), WHITE, GREY),
    "colour with a transparent value": (lambda: encode(halves(RED, BLUE), transparency=RED), WHITE, BLUE),
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
    "gif with a frame beyond its canvas": (gif_beyond_its_canvas, RED, BLUE),
    "16 bit grey png": (lambda: encode(grey16()), GREY, WHITE),
    "16 bit grey tiff": (lambda: encode(grey16(), "TIFF"), GREY, WHITE),
    "16 bit grey tiff, big endian": (lambda: encode(grey16(big_endian=True), "TIFF"), GREY, WHITE),
    "16 bit grey png with a transparent value": (
        lambda: png(2, 2, 16, 0, b"\x12\x34" + b"\x80\x80", (b"tRNS", b"\x12\x34")),
        WHITE,
        GREY,
    ),
    "16 bit colour png": (lambda: png(2, 2, 16, 2, b"\xff\xff\0\0\0\0" + b"\0\0\0\0\xff\xff"), RED, BLUE),
    "16 bit colour png with a transparent value": (
        lambda: png(2, 2, 16, 2, b"\xff\xff\0\0\0\0" + b"\0\0\0\0\xff\xff", (b"tRNS", b"\xff\xff\0\0\0\0")),
        WHITE,
        BLUE,
    ),
    "16 bit png with alpha": (
        lambda: png(2, 2, 16, 6, b"\xff\xff\0\0\0\0\0\0" + b"\0\0\0\0\xff\xff\xff\xff"),
        WHITE,
        BLUE,
    ),
    "16 bit grey png with alpha": (lambda: png(2, 2, 16, 4, b"\0\0\0\0" + b"\x80\x80\xff\xff"), WHITE, GREY),
    "16 bit colour tiff": (lambda: tiff16([RED, BLUE]), RED, BLUE),
    "16 bit tiff with alpha": (lambda: tiff16([(*RED, 0), (*BLUE, 255)]), WHITE, BLUE),
    "tiff in strips": (striped_tiff, RED, BLUE),
    "tiff in tiles": (tiled_tiff, RED, BLUE),
    "tiff with a jpeg inside": (lambda: encode(halves(RED, BLUE), "TIFF", compression="jpeg"), RED, BLUE),
    "bmp": (lambda: encode(halves(RED, BLUE), "BMP"), RED, BLUE),
    "webp": (lambda: encode(halves(RED, BLUE), "WEBP", lossless=True), RED, BLUE),
    "lossy webp": (lambda: encode(halves(GREY, WHITE), "WEBP"), GREY, WHITE),
    "avif": (lambda: encode(halves(RED, BLUE), "AVIF"), RED, BLUE),
    "avif with alpha": (lambda: encode(halves((*RED, 0), (*BLUE, 255), "RGBA"), "AVIF"), WHITE, BLUE),
    "heic": (lambda: encode(halves(RED, BLUE), "HEIF"), RED, BLUE),
    "heic of another major brand": (lambda: renamed_brand(encode(halves(RED, BLUE), "HEIF"), b"mif1"), RED, BLUE),
    "heic of 10 bits": (
        lambda: deep_heic("RGB;16", np.array([[RED] * 32 + [BLUE] * 32] * 64, "<u2") * 257),
        RED,
        BLUE,
    ),
    "heic with alpha": (lambda: encode(halves((*RED, 0), (*BLUE, 255), "RGBA"), "HEIF"), WHITE, BLUE),
    "grey heic": (lambda: encode(halves(128, 255, "L"), "HEIF"), GREY, WHITE),
    "heic in display p3": (
        lambda: encode(halves((200, 100, 50), WHITE), "HEIF", icc_profile=rgb_profile("display p3"), quality=95),
        (216, 93, 24),
        WHITE,
    ),
    "heic of several pictures": (lambda: animation("HEIF"), RED, RED),
    "animated gif": (lambda: animation("GIF"), RED, RED),
    "animated gif of 20,000 frames": (many_frames, RED, BLUE),
    "animated webp": (lambda: animation("WEBP"), RED, RED),
    "animated png": (lambda: animation("PNG"), RED, RED),
    "animated avif": (lambda: animation("AVIF"), RED, RED),
    "one pixel": (lambda: encode(Image.new("RGB", (1, 1), BLUE)), BLUE, BLUE),
    "one pixel jpeg": (lambda: encode(Image.new("RGB", (1, 1), BLUE), "JPEG"), BLUE, BLUE),
    "very wide": (lambda: encode(Image.new("RGB", (30_000, 1), RED), "JPEG"), RED, RED),
    "very tall": (lambda: encode(Image.new("RGB", (1, 30_000), GREEN), "JPEG"), GREEN, GREEN),
    "very wide with alpha": (lambda: encode(Image.new("RGBA", (30_000, 1), (*RED, 255))), RED, RED),
    "damaged exif": (lambda: encode(halves(RED, BLUE), "JPEG", exif=b"Exif\0\0nonsense"), RED, BLUE),
    "damaged colour profile": (lambda: encode(halves(RED, BLUE), icc_profile=b"nonsense" * 20), RED, BLUE),
    "png with a text of a gigabyte": (
        lambda: png(2, 2, 8, 0, b"\x80\xff", (b"zTXt", b"Comment\0\0" + inflating())),
        GREY,
        WHITE,
    ),
    "png with a profile of a gigabyte": (
        lambda: png(2, 2, 8, 0, b"\x80\xff", (b"iCCP", b"profile\0\0" + inflating())),
        GREY,
        WHITE,
    ),
    "png with chunks of bad checksums": (
        lambda: spoilt(png(2, 2, 8, 0, b"\x80\xff", (b"iTXt", b"Comment\0\0"), (b"iCCP", b"profile\0\0"))),
        GREY,
        WHITE,
    ),
    "png with short chunks": (
        lambda: png(2, 2, 8, 0, b"\x80\xff", (b"pHYs", b"\0"), (b"tRNS", b"\0"), (b"gAMA", b""), (b"eXIf", b"")),
        GREY,
        WHITE,
    ),
    "png in pq": (lambda: png(64, 64, 8, 0, b"\x94" * 32 + b"\0" * 32, (b"cICP", bytes([9, 16, 0, 1]))), WHITE, BLACK),
    "png in display p3": (
        lambda: png(64, 64, 8, 2, bytes((200, 100, 50)) * 32 + b"\xff" * 96, (b"cICP", bytes([12, 13, 0, 1]))),
        (215, 93, 30),
        WHITE,
    ),
    "tiff of 16 bits in planes, upside down": (lambda: tiff_in_planes(orientation=3), BLUE, RED),
    "jpeg whose orientation is a long number": (
        lambda: encode(
            halves(RED, BLUE), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\4\0\0\0\1\0\0\0\3" + bytes(4)
        ),
        RED,
        BLUE,
    ),
    "jpeg with an empty exif before its own": (
        lambda: flood(encode(halves(RED, BLUE), "JPEG", exif=turned(3)[1]), 2, b"\xff\xe1\0\x08Exif\0\0", 10),
        BLUE,
        RED,
    ),
    "jpeg whose profile is behind its frame": (jpeg_of_a_late_profile, (216, 93, 24), WHITE),
    "gif with a frame within its canvas": (gif_within_its_canvas, WHITE, BLACK),
    "png whose picture is no frame": (png_apart_from_its_animation, GREY, WHITE),
    "png cut behind its pixels": (
        lambda: png(2, 2, 8, 0, b"\x80\xff")[:-12] + b"\x7f\xff\xff\xfftEXtComment\0cut",
        GREY,
        WHITE,
    ),
    "tiff of a palette": (
        lambda: tiff_of_a_palette([65535, 0, 0, 0, 0, 0, 0, 0, 0, 65535, 0, 0]),
        RED,
        BLUE,
    ),
    "png of a gamma": (
        lambda: png(64, 64, 8, 0, b"\x37" * 32 + b"\xff" * 32, (b"gAMA", struct.pack(">I", 100_000))),
        GREY,
        WHITE,
    ),
    "png of a gamma and of srgb": (
        lambda: png(64, 64, 8, 0, b"\x80" * 32 + b"\xff" * 32, (b"gAMA", struct.pack(">I", 100_000)), (b"sRGB", b"\0")),
        GREY,
        WHITE,
    ),
    "png of no gamma": (
        lambda: png(64, 64, 8, 0, b"\x80" * 32 + b"\xff" * 32, (b"gAMA", bytes(4))),
        GREY,
        WHITE,
    ),
    "jpeg with a million fill bytes": (
        lambda: flood(encode(halves(RED, BLUE), "JPEG"), 2, b"\xff", 1_000_000),
        RED,
        BLUE,
    ),
    "jpeg without its end": (lambda: encode(halves(RED, BLUE), "JPEG")[:-2], RED, BLUE),
    "progressive jpeg without its end": (lambda: encode(halves(RED, BLUE), "JPEG", progressive=True)[:-2], RED, BLUE),
    "jpeg with short segments": (
        lambda: flood(encode(halves(RED, BLUE), "JPEG"), 2, b"\xff\xe0\0\4JF" + b"\xff\xee\0\5Ado", 11),
        RED,
        BLUE,
    ),
    "gif whose first frame is empty": (gif_after_an_empty_frame, RED, BLUE),
    "bmp of run lengths": (lambda: bmp_of_runs(b"\x02\0\x02\1\0\0" * 4 + b"\0\1"), RED, BLUE),
    "bmp of run lengths in black and white": (
        lambda: bmp_of_runs(b"\x02\0\x02\1\0\0" * 4 + b"\0\1", BLACK, WHITE),
        BLACK,
        WHITE,
    ),
    "bmp of run lengths and single pixels": (lambda: bmp_of_runs(b"\0\4\0\0\1\1\0\0" * 4 + b"\0\1"), RED, BLUE),
    "bmp whose alpha is padding": (lambda: bmp_with_padding(), RED, BLUE),
    "tiff of 16 bits in planes": (tiff_in_planes, RED, BLUE),
    "png with a broken animation": (
        lambda: png(2, 2, 8, 0, b"\x80\xff", (b"acTL", b"\0"), (b"fcTL", b"")),
        GREY,
        WHITE,
    ),
    "png in linear light": (
        lambda: png(64, 64, 8, 0, b"\x37" * 32 + b"\xff" * 32, (b"cICP", bytes([1, 8, 0, 1]))),
        GREY,
        WHITE,
    ),
    "jpeg with an empty part of a profile": (
        lambda: flood(encode(halves(RED, BLUE), "JPEG"), 2, b"\xff\xe2\0\x0eICC_PROFILE\0", 16),
        RED,
        BLUE,
    ),
    "jpeg cut in its end": (lambda: encode(halves(RED, BLUE), "JPEG")[:-1], RED, BLUE),
    "jpeg whose orientation is a text": (
        lambda: encode(
            halves(RED, BLUE), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\2\0\0\0\x026\0\0\0" + bytes(4)
        ),
        RED,
        BLUE,
    ),
    "png whose first frame is empty": (lambda: animation_after_an_empty_frame("PNG"), RED, BLUE),
    "webp whose first frame is empty": (lambda: animation_after_an_empty_frame("WEBP"), RED, BLUE),
    "avif whose first frame is empty": (lambda: animation_after_an_empty_frame("AVIF"), RED, BLUE),
    "webp told too long": (lambda: told_too_long(encode(halves(RED, BLUE), "WEBP", lossless=True)), RED, BLUE),
    "avif under heic's brand": (lambda: renamed_brand(encode(halves(RED, BLUE), "AVIF"), b"heic"), RED, BLUE),
    "heic of a brand of containers": (lambda: renamed_brand(encode(halves(RED, BLUE), "HEIF"), b"mif2"), RED, BLUE),
    "bmp of run lengths without end": (lambda: bmp_of_runs(b"\x02\0\x02\1\0\0" * 4), RED, BLUE),
    "tiff of floats": (lambda: encode(halves(0.5, 1.0, "F"), "TIFF"), GREY, WHITE),
    "colour profile of a grey image": (lambda: encode(halves(128, 255, "L"), icc_profile=srgb_profile()), GREY, WHITE),
}

TURNED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO", "HEIF")


def deep_heic(mode: str, pixels: np.ndarray) -> bytes:
    """Write a HEIC of more than 8 bits, of which Pillow knows no mode."""
    buffer = io.BytesIO()
    file = pillow_heif.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    file.save(buffer, quality=90)
    return buffer.getvalue()


def cut(photo: bytes, share: float = 0.6) -> bytes:
    return photo[: int(len(photo) * share)]


def enlarged(photo: bytes, size: bytes, larger: bytes) -> bytes:
    """Return the photo with another size in its header: its few pixels would then be damaged, had they been decoded."""
    assert size in photo
    return photo.replace(size, larger)


def bmp_of_12_bits() -> bytes:
    """Return a BMP whose masks give each colour four bits."""
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 16, 3, 32, 0, 0, 0, 0) + struct.pack("<III", 0xF00, 0xF0, 0xF)
    return b"BM" + struct.pack("<IHHI", 98, 0, 0, 66) + header + bytes(32)


def webp_bomb() -> bytes:
    # The largest that the format can say: 16,383 x 16,383 pixels in 38 bytes.
    webp = encode(Image.new("RGB", (16, 16)), "WEBP", lossless=True)
    assert webp[12:16] == b"VP8L"
    return webp[:21] + struct.pack("<I", 16_382 | 16_382 << 14) + webp[25:]


def box_bomb(kind: str) -> bytes:
    """Let the box `ispe` of an AVIF or HEIC announce 30,000 x 30,000 pixels."""
    photo = encode(Image.new("RGB", (64, 64)), kind)
    return enlarged(photo, struct.pack(">II", 64, 64), struct.pack(">II", 30_000, 30_000))


def jpeg_of_scans(count: int, between: bytes = b"") -> bytes:
    """Append scans to a progressive JPEG that hold no data: libjpeg goes over the image for each."""
    jpeg = encode(halves(RED, BLUE), "JPEG", progressive=True)
    return jpeg[:-2] + between + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * count + jpeg[-2:]


def flood(photo: bytes, at: int, part: bytes, size: int) -> bytes:
    return photo[:at] + part * (size // len(part)) + photo[at:]


BAD: dict[str, tuple[Callable[[], bytes], type[PhotoError]]] = {
    "no bytes": (lambda: b"", UnsupportedPhotoError),
    "text": (lambda: b"Dear dog, this is a letter. " * 20, UnsupportedPhotoError),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedPhotoError),
    "pdf": (lambda: encode(quadrants(), "PDF"), UnsupportedPhotoError),
    "ico": (lambda: encode(quadrants(), "ICO"), UnsupportedPhotoError),
    "eps, which would run a program": (lambda: encode(quadrants(), "EPS"), UnsupportedPhotoError),
    "truncated jpeg": (lambda: cut(encode(noise(), "JPEG")), DamagedPhotoError),
    "truncated progressive jpeg": (lambda: cut(encode(noise(), "JPEG", progressive=True)), DamagedPhotoError),
    "truncated png": (lambda: cut(encode(noise())), DamagedPhotoError),
    "truncated webp": (lambda: cut(encode(noise(), "WEBP")), DamagedPhotoError),
    "truncated gif": (lambda: cut(encode(noise(), "GIF")), DamagedPhotoError),
    "truncated bmp": (lambda: cut(encode(noise(), "BMP")), DamagedPhotoError),
    "truncated tiff": (lambda: cut(encode(noise(), "TIFF", compression="tiff_lzw")), DamagedPhotoError),
    "truncated avif": (lambda: cut(encode(noise(), "AVIF")), DamagedPhotoError),
    "truncated heic": (lambda: cut(encode(noise(), "HEIF")), DamagedPhotoError),
    "jpeg cut in its header": (lambda: encode(noise(), "JPEG")[:20], DamagedPhotoError),
    "heic cut in its header": (lambda: encode(noise(), "HEIF")[:40], DamagedPhotoError),
    "tiff of 16 bits where white is zero": (
        lambda: tiff(8, 8, {258: [16], 262: [0], 277: [1]}, [b"\0" * 128]),
        UnsupportedPhotoError,
    ),
    "tiff of 32 bits": (lambda: encode(halves(0, 1 << 30, "I"), "TIFF"), UnsupportedPhotoError),
    "raw photo": (
        lambda: tiff(8, 8, {258: [8], 262: [1], 277: [1], 50706: [1]}, [b"\0" * 64]),
        UnsupportedPhotoError,
    ),
    "tiff with a large jpeg inside": (
        lambda: encode(halves(RED, BLUE), "TIFF", compression="jpeg").replace(
            b"\x08\0\x40\0\x40\x03", b"\x08\x75\x30\x75\x30\x03"
        ),
        UnsupportedPhotoError,
    ),
    "jpeg of 12 bits": (
        lambda: encode(noise(8), "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
        UnsupportedPhotoError,
    ),
    "arithmetic jpeg": (lambda: encode(noise(8), "JPEG").replace(b"\xff\xc0", b"\xff\xc9"), UnsupportedPhotoError),
    "jpeg 2000": (lambda: encode(noise(8), "JPEG2000"), UnsupportedPhotoError),
    "bmp of run lengths cut short": (lambda: bmp_of_runs(b"\x02\0"), DamagedPhotoError),
    "bmp of 12 bits": (bmp_of_12_bits, UnsupportedPhotoError),
    "png without its palette": (lambda: png(2, 2, 8, 3, b"\0\1"), DamagedPhotoError),
    "jpeg-ls": (lambda: encode(noise(8), "JPEG").replace(b"\xff\xc0", b"\xff\xf7"), UnsupportedPhotoError),
    "jpeg of a segment beyond its end": (
        lambda: flood(encode(noise(8), "JPEG"), 2, b"\xff\xe5\xff\xff", 4),
        DamagedPhotoError,
    ),
    "tiff of floats beyond white": (lambda: encode(halves(0.0, 255.0, "F"), "TIFF"), UnsupportedPhotoError),
    "tiff of grey and alpha in planes": (
        lambda: tiff(8, 8, {258: [8] * 2, 262: [1], 277: [2], 284: [2], 338: [2]}, [b"\0" * 64] * 2),
        UnsupportedPhotoError,
    ),
    "heif of another codec": (
        lambda: encode(noise(64), "HEIF").replace(b"hvc1", b"jpeg").replace(b"hvcC", b"jpgC"),
        UnsupportedPhotoError,
    ),
    "tiff of a palette of 8 bits": (lambda: tiff_of_a_palette([255, 0, 0, 255] + [0] * 8), UnsupportedPhotoError),
    "tiff of a palette cut short": (lambda: tiff_of_a_palette([65535, 0, 0, 65535]), UnsupportedPhotoError),
    "tiff of colours at half the size": (
        lambda: tiff(8, 8, {258: [8] * 3, 262: [6], 277: [3], 530: [2, 2]}, [b"\0" * 192]),
        UnsupportedPhotoError,
    ),
    "bmp of run lengths beyond its rows": (lambda: bmp_of_runs(b"\0\0" * 9 + b"\x02\0"), DamagedPhotoError),
    "bmp of an unknown header": (
        lambda: b"BM" + struct.pack("<IHHIIiiHH", 0, 0, 0, 62, 48, 4, 4, 1, 24) + bytes(200),
        UnsupportedPhotoError,
    ),
    "png signature alone": (lambda: b"\x89PNG\r\n\x1a\n", DamagedPhotoError),
    "png of no width": (lambda: png(0, 5, 8, 2, b""), DamagedPhotoError),
    # The bombs hold no pixels: had one been decoded, it would be called damaged.
    "bomb just above the limit": (lambda: png(MAX_PIXELS + 1, 1, 8, 0, b""), TooManyPixelsError),
    "bomb above Pillow's own limit": (lambda: png(60_000, 60_000, 1, 0, b"\0"), TooManyPixelsError),
    "gif bomb": (
        lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + encode(noise(8), "GIF")[13:],
        TooManyPixelsError,
    ),
    "gif bomb in its frame": (
        lambda: enlarged(
            encode(palette_with_hidden_red(), "GIF"),
            b",\0\0\0\0" + struct.pack("<HH", 64, 64),
            b",\0\0\0\0" + struct.pack("<HH", 65535, 65535),
        ),
        TooManyPixelsError,
    ),
    "gif bomb in its second frame": (gif_that_grows, DamagedPhotoError),
    "tiff bomb": (lambda: tiff(60_000, 60_000, {258: [8], 262: [1], 277: [1]}, [b""]), TooManyPixelsError),
    "tiff bomb in its tiles": (
        lambda: tiff(64, 64, {258: [1], 259: [4], 262: [1], 277: [1], 322: [32946], 323: [34712]}, [b"\0" * 22]),
        TooManyPixelsError,
    ),
    "tiff bomb in a tile without a length": (
        lambda: tiff(64, 64, {258: [1], 259: [4], 262: [1], 277: [1], 278: [32946], 322: [34712]}, [b"\0" * 22]),
        TooManyPixelsError,
    ),
    "bmp bomb": (
        lambda: enlarged(encode(Image.new("L", (64, 64)), "BMP"), b"\x40\0\0\0" * 2, b"\0\xff\0\0" * 2),
        TooManyPixelsError,
    ),
    "webp bomb of a canvas": (
        lambda: b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\xff\xff\0" * 2,
        TooManyPixelsError,
    ),
    "webp bomb": (webp_bomb, TooManyPixelsError),
    "avif bomb": (lambda: box_bomb("AVIF"), DamagedPhotoError),  # libavif refuses it before we can
    "heic bomb": (lambda: box_bomb("HEIF"), TooManyPixelsError),
    "jpeg of 5,000 scans": (lambda: jpeg_of_scans(5_000), UnsupportedPhotoError),
    "jpeg of scans behind an end that is none": (
        lambda: jpeg_of_scans(5_000, between=b"\xff\xfe\0\4\xff\xd9\xff\x01"),
        UnsupportedPhotoError,
    ),
    "jpeg of a million comments between its scans": (
        lambda: jpeg_of_scans(1, between=b"\xff\xfe\0\2" * 1_000_000),
        UnsupportedPhotoError,
    ),
    "png of a million chunks": (
        lambda: flood(encode(noise(8)), 33, png_chunk(b"abCd"), 12_000_000),
        UnsupportedPhotoError,
    ),
    "jpeg of a million comments": (
        lambda: flood(encode(noise(8), "JPEG"), 2, b"\xff\xfe\0\2", 4_000_000),
        UnsupportedPhotoError,
    ),
}
