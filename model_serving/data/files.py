"""Photos among the files of a folder."""

from __future__ import annotations

from pathlib import Path

from model_serving.data.dataset import PHOTO_SUFFIXES


def photos_below(folder: Path) -> list[Path]:
    """Return the photos at any depth below `folder`, in order; hidden files and folders are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PHOTO_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
