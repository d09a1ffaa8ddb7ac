"""From decoded pixels to those a model takes: on the background, in sRGB, upright."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from model_serving.photos import exif, hdr, tiff
from model_serving.photos.errors import DamagedPhotoError
from model_serving.photos.png import MAX_PROFILE_BYTES

# Transparent pixels show what lies behind the page, not the colour hidden under them.
BACKGROUND = (255, 255, 255)
# What becomes of modes with alpha on the background.
_OPAQUE = {"La": "L", "RGBa": "RGB"}

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

_MAX_PROFILE_TAGS = 100
_FLOAT_TAGS = frozenset({b"D2B0", b"D2B1", b"D2B2", b"D2B3"})


@dataclass(frozen=True)
class Finish:
    """Orientation by EXIF and colours by H.273 code points, an ICC profile or a gamma, as a photo's file tells them."""

    orientation: int = 1
    code_points: tuple[int, int] | None = None
    profile: bytes = b""
    gamma: float | None = None

    @classmethod
    def of(cls, image: Image.Image) -> Finish:
        """Return that of an opened image."""
        orientation, profile = orientation_of(image), image.info.get("icc_profile") or b""
        profile = profile if _is_bounded(profile) else b""
        return cls(orientation, image.info.get("code_points"), profile, image.info.get("gamma"))

    def apply(self, image: Image.Image) -> Image.Image:
        """Return pixels in mode L, RGB, CMYK, La or RGBa as they are seen: upright, in RGB, in sRGB."""
        seen = self._to_srgb(_on_background(image))
        turn = _UPRIGHT.get(self.orientation)
        return seen if turn is None else seen.transpose(turn)

    def _to_srgb(self, image: Image.Image) -> Image.Image:
        """Return RGB in sRGB: by the code points of HDR and of AVIF, HEIC and PNG, by the ICC profile, or the gamma."""
        if self.code_points and (hdr.is_hdr(self.code_points[1]) or not self.profile):
            return hdr.to_srgb(image.convert("RGB"), *self.code_points)
        if self.profile:
            try:
                source = ImageCms.ImageCmsProfile(io.BytesIO(self.profile))
                converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
                return converted or image  # `None` is for conversions in place
            except (ImageCms.PyCMSError, OSError):
                pass  # Damaged, or one for another kind of image: show the colours as they are, as browsers do.
        seen = image.convert("RGB")
        return seen.point(hdr.gamma_to_srgb(self.gamma) * 3) if self.gamma else seen


@dataclass(frozen=True)
class Unfinished:
    """All of a photo as it was decoded and shrunk, whose finish would be in vain if it is not looked at."""

    size: tuple[int, int]
    mode: str
    pixels: bytes
    finish: Finish

    @classmethod
    def of(cls, image: Image.Image, finish: Finish) -> Unfinished:
        """Return an image's pixels."""
        return cls(image.size, image.mode, image.tobytes(), finish)

    @classmethod
    def from_message(cls, header: dict[str, Any], pixels: bytes) -> Unfinished:
        """Return what `header` tells of, with its pixels."""
        code_points = header["code_points"] and tuple(header["code_points"])
        finish = Finish(header["orientation"], code_points, bytes.fromhex(header["profile"]), header["gamma"])
        return cls(tuple(header["size"]), header["mode"], pixels, finish)

    def header(self) -> dict[str, Any]:
        """Return all but the pixels, for JSON."""
        finish = self.finish
        return {
            "size": self.size,
            "mode": self.mode,
            "orientation": finish.orientation,
            "code_points": finish.code_points,
            "profile": finish.profile.hex(),
            "gamma": finish.gamma,
        }

    def image(self) -> Image.Image:
        """Return the finished image. Raises `DamagedPhotoError`."""
        try:
            return self.finish.apply(Image.frombytes(self.mode, self.size, self.pixels))
        except Exception as error:
            raise DamagedPhotoError from error


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; one that only XMP tells does not count, as in browsers."""
    if isinstance(image, TiffImageFile):
        return tiff.orientation(image)
    return image.info.get("orientation") or exif.orientation(image.info.get("exif") or b"")


def _on_background(image: Image.Image) -> Image.Image:
    if image.mode not in _OPAQUE:
        return image
    with_alpha = image.convert(image.mode.upper())
    canvas = Image.new("RGB", image.size, BACKGROUND).convert(_OPAQUE[image.mode])
    canvas.paste(with_alpha.convert(canvas.mode), mask=with_alpha.getchannel("A"))
    return canvas


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
