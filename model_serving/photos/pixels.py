"""From an opened image to the pixels a model takes: decode, resize, turn upright, convert to sRGB."""

from __future__ import annotations

import math
from typing import NamedTuple

from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from model_serving.photos import bmp, gif, tiff
from model_serving.photos.errors import DamagedPhotoError
from model_serving.photos.finish import Finish, Unfinished
from model_serving.photos.geometry import Geometry, shrunk_size

# Modes that are resized as they are decoded.
_PLAIN = ("L", "RGB", "CMYK")

# Frames of an animation that are looked at for the first one that is not empty.
_MAX_EMPTY_FRAMES = 100
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")

# What is converted at once, in pixels: little beside a photo, and much beside the cost of a call.
_BAND_PIXELS = 1 << 18
# Rows around a place that a bicubic resize looks at, in rows of its result, and one for rounding.
_BICUBIC_REACH = 3


class Decoded(NamedTuple):
    """An upright sRGB image of a photo, and the width and height of the upright photo itself.

    `whole` is all of the photo, where that was asked for beside a part.
    """

    image: Image.Image
    photo_size: tuple[int, int]
    whole: Unfinished | None = None


def crop_to_input(image: Image.Image, geometry: Geometry, whole_side: int | None = None) -> Decoded:
    """Return the `geometry.size` x `geometry.size` pixels that the model sees of an opened image.

    With `whole_side` the whole comes beside them, as it was decoded for them, and reduced by a whole number: to no more
    pixels than a square of that side has, and to no side above four times that. Raises whatever the decoder raises.
    """
    size = image.size  # a JPEG has another one when it was decoded
    least = round(2 * geometry.size / geometry.crop)
    width, height = _decode_near(image, (least, least))
    sides = math.sqrt(math.prod(image.size)), max(image.size) / 4
    factor = math.ceil(max(sides) / whole_side) if whole_side else None
    seen, whole = _resize(image, (geometry.size, geometry.size), geometry.box(width, height), factor)
    finish = Finish.of(image)
    # A square is centred, so turning the small result upright is the same as turning the photo first, and cheaper.
    return Decoded(finish.apply(seen), _turned(size, finish), Unfinished.of(whole, finish) if whole else None)


def shrink(image: Image.Image, long_side: int) -> Decoded:
    """Return the whole of an opened image, its sides not above `long_side` and nothing else of it.

    Raises whatever the decoder raises.
    """
    size = image.size
    width, height = shrunk_size(size, long_side)
    box = (0, 0, *_decode_near(image, (2 * width, 2 * height)))
    resized, _ = _resize(image, (width, height), box)
    finish = Finish.of(image)
    shrunk = finish.apply(resized)
    shrunk.info = {}  # its comments, EXIF and profile
    return Decoded(shrunk, _turned(size, finish))


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
    """Decode the first frame; if the first frames are all transparent, the first one that shows something.

    The picture that an animated PNG has for programs without animation is no frame of it.
    """
    drawn = image.tile[0].extents if isinstance(image, GifImageFile) else None
    image.load()
    if drawn:
        gif.clear_outside(image, drawn)
    if image.format == "BMP":
        bmp.fill_empty_alpha(image)
    if image.mode == "F":
        tiff.require_unit_floats(image)
    if image.format not in _ANIMATED:
        return
    for frame in range(1, _MAX_EMPTY_FRAMES):
        if not _is_empty(image) and not (frame == 1 and image.info.get("default_image")):
            return
        size = image.size
        try:
            image.seek(frame)
        except EOFError:
            return
        if image.size != size:  # Pillow makes a GIF as large as its frames say
            raise DamagedPhotoError
        image.load()


def _is_empty(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    alpha = image if image.getbands()[-1] in ("A", "a") else image.convert("RGBA")
    return alpha.getchannel(len(alpha.getbands()) - 1).getextrema() == (0, 0)


def _resize(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float], factor: int | None = None
) -> tuple[Image.Image, Image.Image | None]:
    """Return the box of the image, antialiased at a width and height, in mode L, RGB, CMYK, La or RGBa.

    With `factor` all of the image comes beside it, reduced so many times, in the same mode: the mean of each square.
    """
    if image.mode in _PLAIN and not image.has_transparency_data:
        reduced = image.reduce(factor) if factor and factor > 1 else image
        return image.resize(size, Image.Resampling.BICUBIC, box=box), reduced if factor else None
    # Other modes are converted first, and copies of the whole would triple the memory. A resize is one of the rows and
    # one of the columns, so that doing the rows band by band gives the same, up to the rounding between the two.
    left, top, right, bottom = box
    # Rows far from the box are not looked at; of a narrow photo they would become many times as wide.
    reach = _BICUBIC_REACH * max(1.0, (bottom - top) / size[1])
    first, last = max(0, math.floor(top - reach)), min(image.height, math.ceil(bottom + reach))
    narrow = whole = None
    height = max(1, _BAND_PIXELS // max(image.width, size[0]))
    if factor:
        height = factor * math.ceil(height / factor)
    top_row, end_row = (0, image.height) if factor else (first, last)
    for above in range(top_row, end_row, height):
        below = min(above + height, end_row)
        band = _to_8_bits(image.crop((0, above, image.width, below)))
        if factor:
            whole = whole or Image.new(band.mode, (math.ceil(image.width / factor), math.ceil(image.height / factor)))
            whole.paste(band.reduce(factor), (0, above // factor))
        start, end = max(above, first), min(below, last)
        if start < end:
            narrow = narrow or Image.new(band.mode, (size[0], last - first))
            rows = (left, start - above, right, end - above)
            narrow.paste(band.resize((size[0], end - start), Image.Resampling.BICUBIC, box=rows), (0, start - first))
    assert narrow
    seen = narrow.resize(size, Image.Resampling.BICUBIC, box=(0, top - first, size[0], bottom - first))
    return seen, whole


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


def _turned(size: tuple[int, int], finish: Finish) -> tuple[int, int]:
    """Return a size of the decoded image as it is when upright."""
    return size if finish.orientation < 5 else size[::-1]
