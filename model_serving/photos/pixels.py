"""From an opened image to the pixels a model takes: decode, resize, turn upright, convert to sRGB."""

from __future__ import annotations

import io
import math
from typing import NamedTuple

from PIL import ExifTags, Image, ImageCms

from model_serving.photos import bmp, hdr, tiff
from model_serving.photos.geometry import Geometry, shrunk_size
from model_serving.photos.png import MAX_PROFILE_BYTES

# Transparent pixels show what lies behind the page, not the colour hidden under them.
BACKGROUND = (255, 255, 255)

# Modes that are resized as they are decoded, and what becomes of those with alpha on the background.
_PLAIN = ("L", "RGB", "CMYK")
_OPAQUE = {"La": "L", "RGBa": "RGB"}

# Frames of an animation that are looked at for the first one that is not empty.
_MAX_EMPTY_FRAMES = 100
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")

# What is converted at once, in pixels: little beside a photo, and much beside the cost of a call.
_BAND_PIXELS = 1 << 18
# Rows around a place that a bicubic resize looks at, in rows of its result, and one for rounding.
_BICUBIC_REACH = 3

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SRGB = ImageCms.createProfile("sRGB")

# Names under which Pillow keeps XMP.
_XMP = ("xmp", "XML:com.adobe.xmp", "Raw profile type xmp")
_MAX_PROFILE_TAGS = 100
_FLOAT_TAGS = frozenset({b"D2B0", b"D2B1", b"D2B2", b"D2B3"})


class Decoded(NamedTuple):
    """An upright sRGB image of a photo, and the width and height of the upright photo itself.

    `whole` is all of the photo, where that was asked for beside a part.
    """

    image: Image.Image
    photo_size: tuple[int, int]
    whole: Image.Image | None = None


def crop_to_input(image: Image.Image, geometry: Geometry, whole_side: int | None = None) -> Decoded:
    """Return the `geometry.size` x `geometry.size` pixels that the model sees of an opened image.

    With `whole_side` the whole comes beside them, as it was decoded for them and with no side above that.
    Raises whatever the decoder raises.
    """
    size = image.size  # a JPEG has another one when it was decoded
    least = round(2 * geometry.size / geometry.crop)
    width, height = _decode_near(image, (least, least))
    seen = _finish(image, (geometry.size, geometry.size), geometry.box(width, height))
    whole = _finish(image, shrunk_size(image.size, whole_side), (0, 0, width, height)) if whole_side else None
    return Decoded(seen, _turned(size, image), whole)


def shrink(image: Image.Image, long_side: int) -> Decoded:
    """Return the whole of an opened image, its sides not above `long_side` and nothing else of it.

    Raises whatever the decoder raises.
    """
    size = image.size
    width, height = shrunk_size(size, long_side)
    shrunk = _finish(image, (width, height), (0, 0, *_decode_near(image, (2 * width, 2 * height))))
    shrunk.info = {}  # its comments, EXIF and profile
    return Decoded(shrunk, _turned(size, image))


def _finish(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    # What costs time by the pixel comes after the resize, where it can.
    seen = _on_background(_resize(image, size, box))
    seen = _to_srgb(seen, image.info.get("icc_profile"), image.info.get("code_points"))
    # A square is centred, so turning the small result upright is the same as turning the photo first, and cheaper.
    turn = _UPRIGHT.get(_orientation(image))
    return seen if turn is None else seen.transpose(turn)


def _decode_near(image: Image.Image, least: tuple[int, int]) -> tuple[float, float]:
    """Decode the image, a JPEG scaled down to no less than `least`, twice the size needed; return its width and height.

    Twice keeps the antialiased result within one grey level on average of a full decode, at a fraction of its time. The
    width and height are fractions where the decoder rounded up: taking them for whole shifts the photo, and doubles
    that difference.
    """
    scaled = image.draft(None, least)
    _load_shown_frame(image)
    return scaled[1][2:] if scaled else image.size


def _load_shown_frame(image: Image.Image) -> None:
    """Decode the first frame; if the first frames are all transparent, the first one that shows something."""
    image.load()
    if image.format == "BMP":
        bmp.fill_empty_alpha(image)
    if image.mode == "F":
        tiff.require_unit_floats(image)
    if image.format not in _ANIMATED:
        return
    for frame in range(1, _MAX_EMPTY_FRAMES):
        if not _is_empty(image):
            return
        try:
            image.seek(frame)
        except EOFError:
            return
        image.load()


def _is_empty(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    alpha = image if image.getbands()[-1] in ("A", "a") else image.convert("RGBA")
    return alpha.getchannel(len(alpha.getbands()) - 1).getextrema() == (0, 0)


def _resize(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    """Return the box of the image, antialiased at a width and height, in mode L, RGB, CMYK, La or RGBa."""
    if image.mode in _PLAIN and not image.has_transparency_data:
        return image.resize(size, Image.Resampling.BICUBIC, box=box)
    # Other modes are converted first, and copies of the whole would triple the memory. A resize is one of the rows and
    # one of the columns, so that doing the rows band by band gives the same, up to the rounding between the two.
    left, top, right, bottom = box
    # Rows far from the box are not looked at; of a narrow photo they would become many times as wide.
    reach = _BICUBIC_REACH * max(1.0, (bottom - top) / size[1])
    first, last = max(0, math.floor(top - reach)), min(image.height, math.ceil(bottom + reach))
    narrow: Image.Image | None = None
    height = max(1, _BAND_PIXELS // max(image.width, size[0]))
    for above in range(first, last, height):
        band = _to_8_bits(image.crop((0, above, image.width, min(above + height, last))))
        band = band.resize((size[0], band.height), Image.Resampling.BICUBIC, box=(left, 0, right, band.height))
        narrow = narrow or Image.new(band.mode, (size[0], last - first))
        narrow.paste(band, (0, above - first))
    assert narrow
    return narrow.resize(size, Image.Resampling.BICUBIC, box=(0, top - first, size[0], bottom - first))


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Return the image in mode L, RGB, CMYK, La or RGBa: with alpha, colours weigh as much as they are seen."""
    transparent = image.info.get("transparency")
    if image.mode == "F":  # TIFFs of floats from 0 to 1
        image = image.point(lambda value: value * 255 + 0.5).convert("L")
    elif image.mode.startswith("I"):  # 16 bits a pixel: scale to 8 rather than cut
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
        if transparent is not None:
            image.info["transparency"] = round(transparent / 257)
    elif isinstance(transparent, tuple) and max(transparent) > 255:
        # Pillow keeps the high byte of a PNG's 16-bit colours, and all 16 bits of its transparent colour.
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    if image.mode == "1":
        image = image.convert("L")
    if image.has_transparency_data:
        grey = image.mode in ("L", "LA", "La")
        alpha = image if image.mode in ("LA", "La", "RGBA", "RGBa") else image.convert("LA" if grey else "RGBA")
        return alpha.convert("La" if grey else "RGBa")
    return image if image.mode in _PLAIN else image.convert("RGB")


def _on_background(image: Image.Image) -> Image.Image:
    if image.mode not in _OPAQUE:
        return image
    with_alpha = image.convert(image.mode.upper())
    canvas = Image.new("RGB", image.size, BACKGROUND).convert(_OPAQUE[image.mode])
    canvas.paste(with_alpha.convert(canvas.mode), mask=with_alpha.getchannel("A"))
    return canvas


def _to_srgb(image: Image.Image, profile: bytes | None, code_points: tuple[int, int] | None) -> Image.Image:
    """Return RGB in sRGB: by the code points of HDR and of AVIF, HEIC and PNG, otherwise by the ICC profile."""
    if code_points and (hdr.is_hdr(code_points[1]) or not profile):
        return hdr.to_srgb(image.convert("RGB"), *code_points)
    if profile and _is_bounded(profile):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            return converted or image  # `None` is for conversions in place
        except (ImageCms.PyCMSError, OSError):
            pass  # A damaged profile, or one for another kind of image: show the colours as they are, as browsers do.
    return image.convert("RGB")


def _is_bounded(profile: bytes) -> bool:
    """Tell whether a profile is applied in bounded time: multi-process elements are programs, ignored by browsers."""
    count = int.from_bytes(profile[128:132])
    tags = {profile[132 + 12 * entry : 136 + 12 * entry] for entry in range(min(count, _MAX_PROFILE_TAGS))}
    return (
        count <= _MAX_PROFILE_TAGS
        and len(profile) <= MAX_PROFILE_BYTES
        and b"mpet" not in profile
        and not tags & _FLOAT_TAGS
    )


def _turned(size: tuple[int, int], image: Image.Image) -> tuple[int, int]:
    """Return a size of the decoded image as it is when upright."""
    return size if _orientation(image) < 5 else size[::-1]


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; one that only XMP tells does not count, as in browsers."""
    image.info = {name: value for name, value in image.info.items() if name not in _XMP}
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Damaged EXIF does not spoil the picture.
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
