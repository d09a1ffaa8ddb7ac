"""Versions of a model on disk."""

from __future__ import annotations

from pathlib import Path

from local_server.errors import InvalidArgumentError

_MAX_VERSION = 2**63 - 1


def versions_in(base_path: Path) -> dict[int, Path]:
    """Return the folders of a model's versions by number: those whose names are numbers, `00000123` being 123.

    Raises InvalidArgumentError if the base path cannot be read.
    """
    try:
        return {int(child.name): child for child in sorted(base_path.iterdir()) if _is_version(child)}
    except (OSError, ValueError) as error:  # a name with NUL in it is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"Could not find base path {base_path}: {reason}") from error


def last_change(folder: Path) -> float:
    """Return when the folder, or anything in it, was written, created or renamed last; 0 if that cannot be read."""
    try:
        return max(path.lstat().st_ctime for path in (folder, *folder.rglob("*")))
    except OSError:  # it is being moved or deleted
        return 0.0


def _is_version(child: Path) -> bool:
    name = child.name
    return name.isascii() and name.isdigit() and int(name) <= _MAX_VERSION and child.is_dir()
