"""From an encoded photo to the pixels a model takes: the one preprocessing of trainer, gateway and evaluation.

The exported graph repeats these steps in TensorFlow (`savedmodel/graph.py`) for clients that send encoded photos; the
tests hold the two within one grey level. No TensorFlow is imported here, so that the gateway can use this module.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

# JPEG includes MPO, which is how several phones store a JPEG with a second picture behind it.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Larger photos are refused from their header. This bounds one decoded photo to 200 MB, and to 470 MB for a moment where
# it has alpha or 16 bits.
MAX_PIXELS = 50_000_000

# Counts the changes of what `read_pixels` returns, so that nothing computed before one is taken for current.
PREPROCESSING_VERSION = 1

# Transparent pixels show what lies behind the page, not the colour hidden under them.
BACKGROUND = (255, 255, 255)

# Pillow's own warning comes at another limit than ours; its error, at twice that, stays on.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class PhotoError(ValueError):
    """A photo that cannot be read; the message says what to do, in words for the person who sent it."""


class UnsupportedPhotoError(PhotoError):
    """The bytes are no image of a supported type."""


class DamagedPhotoError(PhotoError):
    """The bytes begin as an image of a supported type and do not decode."""


class TooManyPixelsError(PhotoError):
    """The header announces more pixels than the limit."""


@dataclass(frozen=True)
class Geometry:
    """What a model sees of a photo: the central square of `crop` times the short side, resized to `size` pixels."""

    size: int
    crop: float

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the square seen in a photo of `width` x `height`, in pixels."""
        side = min(width, height) * self.crop
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side


def read_pixels(photo: bytes, geometry: Geometry, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the upright sRGB image of `geometry.size` x `geometry.size` that the model sees of an encoded photo.

    Of an animation it is the first frame. Raises `UnsupportedPhotoError`, `TooManyPixelsError` (before any pixel is
    decoded) or `DamagedPhotoError`.
    """
    image = _open(photo, max_pixels)
    try:
        box = geometry.box(*_decode_near(image, geometry))
        # What costs time by the pixel comes after the resize. Pillow weighs colours by their alpha while it resizes.
        seen = _to_8_bits(image).resize((geometry.size, geometry.size), Image.Resampling.BICUBIC, box=box)
        seen = _to_srgb(_without_alpha(seen), image.info.get("icc_profile"))
    except Exception as error:  # Decoders meet hostile bytes with exceptions of every kind.
        raise _damaged() from error
    # The square is centred, so turning the small result upright is the same as turning the photo first, and cheaper.
    turn = _UPRIGHT.get(_orientation(image))
    return seen if turn is None else seen.transpose(turn)


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


def _open(photo: bytes, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(photo), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many(max_pixels) from error
    except Exception as error:
        if isinstance(error, UnidentifiedImageError) and not _begins_as_image(photo):
            raise UnsupportedPhotoError(
                "This file is not a photo of a known type. Please send a JPEG, PNG or WebP."
            ) from error
        raise _damaged() from error
    if image.width * image.height > max_pixels:
        raise _too_many(max_pixels)
    return image


def _begins_as_image(photo: bytes) -> bool:
    accepts = (Image.OPEN[name][1] for name in FORMATS)
    return any(accept(photo[:16]) is True for accept in accepts if accept)


def _too_many(max_pixels: int) -> TooManyPixelsError:
    return TooManyPixelsError(
        f"This photo has more than {max_pixels / 1e6:g} million pixels. Please send a smaller version."
    )


def _damaged() -> DamagedPhotoError:
    return DamagedPhotoError("This photo is damaged or incomplete. Please save or download it again.")


def _decode_near(image: Image.Image, geometry: Geometry) -> tuple[float, float]:
    """Decode the image, a JPEG scaled down to no less than twice the size that is needed; return its width and height.

    Twice keeps the antialiased result within one grey level on average of a full decode, at a fraction of its time. The
    width and height are fractions where the decoder rounded up: taking them for whole shifts the photo, and doubles
    that difference.
    """
    least = round(2 * geometry.size / geometry.crop)
    scaled = image.draft(None, (least, least))
    image.load()
    return scaled[1][2:] if scaled else image.size


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Return the image in mode L, RGB, CMYK or RGBA."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I"):  # 16 bits a pixel: scale to 8 rather than cut
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
        if transparent is not None:
            image.info["transparency"] = round(transparent / 257)
    elif isinstance(transparent, tuple) and max(transparent) > 255:
        # Pillow keeps the high byte of a PNG's 16-bit colours, and all 16 bits of its transparent colour.
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    canvas = Image.new("RGB", image.size, BACKGROUND)
    canvas.paste(image, mask=image)
    return canvas


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            return converted or image  # `None` is for conversions in place
        except (ImageCms.PyCMSError, OSError):
            pass  # A damaged profile, or one for another kind of image: show the colours as they are, as browsers do.
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Damaged EXIF does not spoil the picture.
        return 1
