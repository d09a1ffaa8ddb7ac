"""Test of the heat map: the breed's loss when its hottest square is erased, against its coldest.

    .venv/bin/python -m benchmarks.explain FOLDER [--side 0.5] [--backbone efficientnet_lite2]

FOLDER holds photos of dogs in `dogs/`, `udacity133/` and `dogs_small/`, or in itself. Both squares have half the side
of what the model sees, a quarter of its area, and are filled with the photo's mean colour, or blurred. The map is right
about a photo if the first breed's probability falls more by the hot square than by the cold one.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from model_serving.backbones import load_backbone
from model_serving.data.batches import decoded_batches
from model_serving.data.files import photos_below
from model_serving.savedmodel.export import export_imagenet_head
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.signatures import EXPLAIN

SETS = ("dogs", "udacity133", "dogs_small")
# The side of an erased square, in that of the photo.
SIDE = 0.5
# Blurred by so much of the photo's side, a square has its colours left and no fur, eyes or ears.
BLUR = 1 / 16


@dataclass(frozen=True)
class Erasure:
    """By how much the first breed's probability falls in each of N photos, [N] each."""

    hot: np.ndarray
    cold: np.ndarray

    @property
    def right(self) -> float:
        """The share of photos whose hot square matters more than the cold one."""
        return float((self.hot > self.cold).mean())


def main() -> None:
    """Export a backbone with its ImageNet head and print, for each folder and filling, how often the map is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--side", type=float, default=SIDE, help="side of the squares in that of the photo (%(default)s)"
    )
    parser.add_argument("--backbone", default="efficientnet_lite2")
    options = parser.parse_args()
    folders = [options.folder / name for name in SETS if (options.folder / name).is_dir()] or [options.folder]
    with tempfile.TemporaryDirectory() as model:
        version = export_imagenet_head(Path(model), load_backbone(options.backbone))
        for fill in FILLS:
            parts = [erase(version, photos_below(folder), fill, options.side) for folder in folders]
            whole = Erasure(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("hot", "cold")))
            for name, part in [*zip([folder.name for folder in folders], parts, strict=True), ("all", whole)]:
                print(
                    f"{name}, {fill}: the hot square matters more in {part.right:.1%} of {len(part.hot)} photos; "
                    f"the probability falls by {part.hot.mean():.3f} (hot) and {part.cold.mean():.3f} (cold)",
                    flush=True,
                )


def erase(version: Path, photos: Sequence[Path], fill: str, side: float = SIDE) -> Erasure:
    """Return what erasing the hottest and the coldest square of each photo does to the exported `version`'s answer."""
    with ExportedModel(version) as model:
        falls = list(_falls(model, photos, fill, side))
    return Erasure(*np.array(falls).T)


def _falls(model: ExportedModel, photos: Sequence[Path], fill: str, side: float) -> Iterator[tuple[float, float]]:
    for decoded in decoded_batches(photos, model.card.geometry):
        pixels = np.stack([one for _, one in decoded if isinstance(one, np.ndarray)])
        answer = model.ask(pixels, EXPLAIN)
        breed = answer["probabilities"].argmax(axis=1)
        erased = [
            FILLS[fill](photo, square)
            for photo, heat in zip(pixels, answer["heatmap"], strict=True)
            for square in _squares(heat, len(photo), side)
        ]
        left = model.ask(np.stack(erased))["probabilities"].reshape(len(pixels), 2, -1)
        rows = np.arange(len(pixels))
        yield from zip(
            *(answer["probabilities"][rows, breed] - left[rows, which, breed] for which in (0, 1)), strict=True
        )


Square = tuple[slice, slice]


def _squares(heat: np.ndarray, size: int, share: float) -> tuple[Square, Square]:
    """Return the hottest and the coldest square, of a `share` of the side, in a photo of `size` x `size` pixels."""
    enlarged = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR))
    side = round(size * share)
    # Sums of all squares as differences of sums from the corner.
    table = np.pad(enlarged.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    sums = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    hot, cold = (np.unravel_index(pick(sums), sums.shape) for pick in (np.argmax, np.argmin))
    return _square(hot, side), _square(cold, side)


def _square(corner: Sequence[np.intp], side: int) -> Square:
    top, left = map(int, corner)
    return slice(top, top + side), slice(left, left + side)


def _mean_colour(photo: np.ndarray, square: Square) -> np.ndarray:
    erased = photo.copy()
    erased[square] = photo.mean(axis=(0, 1)).round()
    return erased


def _blurred(photo: np.ndarray, square: Square) -> np.ndarray:
    erased = photo.copy()
    blur = ImageFilter.GaussianBlur(len(photo) * BLUR)
    erased[square] = np.asarray(Image.fromarray(photo).filter(blur))[square]
    return erased


FILLS = {"mean colour": _mean_colour, "blurred": _blurred}


if __name__ == "__main__":
    main()
