"""Errors for photos that cannot be read, in words for the person who sent them."""

from __future__ import annotations


class PhotoError(ValueError):
    """A photo that cannot be read; the message says what to do."""


class UnsupportedPhotoError(PhotoError):
    """The bytes are no image of a supported type."""

    def __init__(self, message: str = "This file is not a photo of a known type. Please send a JPEG, PNG or WebP."):
        super().__init__(message)


class DamagedPhotoError(PhotoError):
    """The bytes begin as an image of a supported type and do not decode."""

    def __init__(self) -> None:
        super().__init__("This photo is damaged or incomplete. Please save or download it again.")


class TooManyPixelsError(PhotoError):
    """The header announces more pixels than the limit."""

    def __init__(self, max_pixels: int) -> None:
        super().__init__(
            f"This photo has more than {max_pixels / 1e6:g} million pixels. Please send a smaller version."
        )
