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


class TooCostlyPhotoError(PhotoError):
    """Decoding took more time or memory than a photo may take."""

    def __init__(self) -> None:
        super().__init__(
            "This photo takes too much time or memory to read. Please save it as an ordinary JPEG and send that."
        )


def named(name: str, message: str) -> PhotoError:
    """Return the error that another process raised, by its class's name and its words."""
    kind = {kind.__name__: kind for kind in PhotoError.__subclasses__()}[name]
    return kind.__new__(kind, message)
