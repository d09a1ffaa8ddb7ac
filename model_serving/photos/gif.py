"""GIF photos that Pillow reads otherwise than browsers do: a first frame that does not fill the picture."""

from __future__ import annotations

from PIL import Image


def clear_outside(image: Image.Image, frame: tuple[int, int, int, int]) -> None:
    """Make what the first frame leaves of a decoded GIF transparent, where Pillow shows the first colour."""
    if frame == (0, 0, *image.size) or image.has_transparency_data:
        return
    mask = Image.new("L", image.size)
    mask.paste(255, frame)
    image.putalpha(mask)
