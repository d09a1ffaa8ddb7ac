"""Puts photos into a folder for each breed, as links or copies; an original is never moved, changed or deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from model_serving.errors import ScoringError
from model_serving.scoring.journal import Row

NOT_A_DOG = "not a dog"


def check(photos: Path, folder: Path) -> None:
    """Raise `ScoringError` if `folder` lies among the photos: the next run would take the sorted ones for new."""
    if folder.resolve().is_relative_to(photos.resolve()):
        raise ScoringError(f"{str(folder)!r} lies within {str(photos)!r}. Name a folder outside of it.")


def sort_into(photos: Path, folder: Path, rows: Iterable[Row], copy: bool) -> int:
    """Link (or copy) each answered photo of `photos` into `folder/<breed>/`; return how many are there now.

    The name there is the path below `photos`, with `__` for `/`, so that no two photos meet; what is there already
    stays as it is.
    """
    count = 0
    for row in rows:
        if row["error"]:
            continue
        source = (photos / row["file"]).resolve()
        breed = NOT_A_DOG if row["is_dog"] is False else row["breed"]
        target = folder / _safe(breed) / row["file"].replace(os.sep, "__")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            if copy:
                shutil.copy2(source, target)
            else:
                target.symlink_to(source)
        count += 1
    return count


def _safe(breed: str) -> str:
    """Return a breed's name as one that leads nowhere else."""
    return breed.replace(os.sep, "-").lstrip(".") or "unnamed"
