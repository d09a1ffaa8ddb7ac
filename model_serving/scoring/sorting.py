"""Sorting of photos into a folder for each breed, as links or copies; originals are never moved, changed or deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from model_serving.errors import ScoringError
from model_serving.scoring.journal import ScoreRow
from model_serving.scoring.tables import dog_rows

NOT_A_DOG = "not a dog"


def require_outside(photos: Path, folder: Path) -> None:
    """Raise `ScoringError` if `folder` lies among the photos: the next run would score the sorted ones as new."""
    if folder.resolve().is_relative_to(photos.resolve()):
        raise ScoringError(f"{str(folder)!r} lies within {str(photos)!r}. Name a folder outside of it.")


def sort_into(photos: Path, folder: Path, rows: Iterable[ScoreRow], copy: bool) -> int:
    """Link (or copy) each scored photo to its path below `folder/<breed>/`; return how many are there now.

    A photo of several dogs is linked under the breed of each. Existing files stay as they are, so that an interrupted
    run is simply repeated. Raises `ScoringError` if something cannot be written.
    """
    count = 0
    for row in rows:
        if row["error"]:
            continue
        for breed in sorted({NOT_A_DOG if dog["is_dog"] is False else dog["breed"] for dog in dog_rows(row)}):
            target = folder / _safe(breed) / row["file"]
            try:
                _put((photos / row["file"]).resolve(), target, copy)
            except OSError as error:
                raise ScoringError(f"{str(target)!r} cannot be written: {error.strerror}.") from error
            count += 1
    return count


def _put(source: Path, target: Path, copy: bool) -> None:
    if os.path.lexists(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if copy:
        hidden = target.with_name(f".{target.name}.part")  # half a copy is never taken for a whole one
        shutil.copy2(source, hidden)
        hidden.rename(target)
    else:
        target.symlink_to(source)


def _safe(breed: str) -> str:
    """Return a breed's name as a folder name that cannot lead out of the folder above it."""
    return breed.replace(os.sep, "-").lstrip(".") or "unnamed"
