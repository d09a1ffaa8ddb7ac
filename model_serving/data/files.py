"""Photos among the files of a folder, and the reading of files of any kind without ever waiting for one."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
# An ending that names another type. Without one, as in `IMG_0042` or `Rex, 3.10.`, the content says what a file is.
_OTHER_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}")
# How the files of photos begin; HEIC and AVIF tell it from the fifth byte on, WebP from the ninth.
_BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|.{4}ftyp(?:hei|hev|avi|mif1|msf1)",
    re.DOTALL,
)
# Folders that computers make for themselves; those whose names begin with a dot are left out anyhow.
_LITTER_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})


def is_litter(name: str) -> bool:
    """Tell whether a file or folder of this name is a computer's own, such as `.DS_Store` or `__MACOSX`."""
    return name.startswith(".") or name in _LITTER_FOLDERS


def photos_below(folder: Path) -> list[Path]:
    """Return the photos at any depth below `folder`, in order; hidden files and folders are left out.

    A link to a folder is followed, once. A link that leads nowhere and a pipe named like a photo are photos, for the
    reader to name. Raises `OSError` for a folder that cannot be listed: its photos would be missed in silence.
    """
    return sorted(path for _, photos in walk(folder) for path in photos)


def walk(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder from `folder` downwards with the photos that lie in it, in order; raises as `photos_below`."""
    listed: set[tuple[int, int]] = set()
    for name, folders, files in os.walk(folder, onerror=_fail, followlinks=True):
        status = Path(name).stat()
        if (identity := (status.st_dev, status.st_ino)) in listed:  # a link led here again
            folders.clear()
            continue
        listed.add(identity)
        folders[:] = sorted(one for one in folders if not is_litter(one))
        paths = [Path(name, file) for file in sorted(files) if not is_litter(file)]
        yield Path(name), [path for path in paths if _is_photo(path)]


def open_file(path: Path) -> BinaryIO:
    """Open a file to read it. Raises `OSError` at once for a pipe or a device, which might never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError("A pipe, a device or a folder is no photo.")


def read_file(path: Path) -> bytes:
    """Return the content of a file; raises `OSError` as `open_file` does."""
    with open_file(path) as file:
        return file.read()


def _is_photo(path: Path) -> bool:
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return True
    if _OTHER_SUFFIX.fullmatch(path.suffix) or not path.is_file():
        return False
    with path.open("rb") as file:
        return _BEGINNINGS.match(file.read(16)) is not None


def _fail(error: OSError) -> None:
    raise error
