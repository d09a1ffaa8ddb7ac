"""Parts of a decoded photo: the whole as `locate` takes it, and boxes as the model takes them."""

from __future__ import annotations

from PIL import Image

from model_serving.photos.found import LOCATE_LONG_SIDE
from model_serving.photos.geometry import Box, shrunk_size


def view_to_search(whole: Image.Image) -> Image.Image:
    """Return the whole photo at the size at which `locate` takes it."""
    return whole.resize(shrunk_size(whole.size, LOCATE_LONG_SIDE), Image.Resampling.BICUBIC)


def cut(whole: Image.Image, box: Box, size: int) -> Image.Image:
    """Return the central square of a part at the model's size, resized as all photos are."""
    return whole.resize((size, size), Image.Resampling.BICUBIC, box=box.square(*whole.size))
