"""Input size that suits a backbone and the photos that a head is to learn from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from model_serving.backbones import registered_backbone
from model_serving.data.dataset import LabelledPhoto
from model_serving.data.files import read_file
from model_serving.photos import MAX_PIXELS, PhotoError, open_photo

# So many photos tell how large all are.
_SAMPLE = 200


def suitable_size(photos: Sequence[LabelledPhoto], backbone: str) -> int:
    """Return the backbone's best size, or the size of its training if most of `photos` are smaller than that."""
    row = registered_backbone(backbone)
    sides = [side for photo in photos[:: len(photos) // _SAMPLE + 1] if (side := _short_side(photo))]
    are_small = bool(sides) and statistics.median(sides) < row.trained_size
    return row.trained_size if are_small else row.geometry.size


def _short_side(photo: LabelledPhoto) -> int | None:
    """Return the shorter side in pixels, None for a photo that cannot be read."""
    try:
        return min(open_photo(read_file(photo.path), MAX_PIXELS).size)
    except (OSError, PhotoError):
        return None
