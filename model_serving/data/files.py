"""Photos among the files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)


def photos_below(folder: Path) -> list[Path]:
    """Return the photos at any depth below `folder`, in order; hidden files and folders are left out.

    A link that leads nowhere is one, for the reader to name. Raises `OSError` for a folder that cannot be listed: its
    photos would be missed in silence.
    """
    found = []
    for name, folders, files in os.walk(folder, onerror=_fail):
        folders[:] = [one for one in folders if not one.startswith(".")]
        found += [Path(name, file) for file in files if not file.startswith(".")]
    return sorted(path for path in found if path.suffix.lower() in PHOTO_SUFFIXES)


def _fail(error: OSError) -> None:
    raise error
