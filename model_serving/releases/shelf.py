"""The shelf: versions move into and out of a server's sight, each by one rename; the highest in sight is live.

A server that watches the folder loads the version it is to serve before it unloads the other, so that every step here,
and an interruption between any two, leaves it with a whole version to serve.
"""

from __future__ import annotations

from pathlib import Path

from model_serving.errors import ReleaseError
from model_serving.savedmodel.folder_lock import locked
from model_serving.savedmodel.versions import (
    SHELF,
    delete_version,
    latest_version,
    list_versions,
    remove_leftovers,
    version_path,
)


def live_version(model: Path) -> int | None:
    """Return the version that a server of the folder `model` answers with, None if there is none."""
    return max(list_versions(model), default=None)


def shelved_versions(model: Path) -> list[int]:
    """Return the versions on the shelf, oldest first."""
    return list_versions(model / SHELF)


def find_version(model: Path, version: int) -> Path:
    """Return the folder of a version, on the shelf or in sight; raises `ReleaseError` if it is neither."""
    for place in (model, model / SHELF):
        if version in list_versions(place):
            return version_path(place, version)
    known = sorted(list_versions(model) + shelved_versions(model))
    raise ReleaseError(f"{str(model)!r} has no version {version}; it has {', '.join(map(str, known)) or 'none'}.")


def promote(model: Path, version: int) -> None:
    """Make a version the live one; those above it go to the shelf. Raises `ReleaseError` if there is none such."""
    with locked(model):
        path = find_version(model, version)
        if path.parent != model:
            path.rename(model / path.name)
        # The live one last: until then it stays live, and no other version is live in between.
        for above in [one for one in list_versions(model) if one > version]:
            _shelve(model, above)


def rollback(model: Path) -> int:
    """Put the live version on the shelf, so that the one before it is live, and return that.

    Raises `ReleaseError` if there is none before it.
    """
    with locked(model):
        versions = list_versions(model)
        if len(versions) < 2:
            raise ReleaseError(
                f"{str(model)!r} has no version before the live one. `dog-breed models` lists what there is to promote."
            )
        _shelve(model, versions[-1])
        return versions[-2]


def prune(model: Path, keep: int) -> list[int]:
    """Delete all versions but the live one and the `keep` newest others; return what was deleted, oldest first."""
    with locked(model):
        remove_leftovers(model)
        live = live_version(model)
        others = sorted({*list_versions(model), *shelved_versions(model)} - {live})
        deleted = others[: max(0, len(others) - keep)]
        for version in deleted:
            delete_version(find_version(model, version))
        return deleted


def _shelve(model: Path, version: int) -> None:
    (model / SHELF).mkdir(exist_ok=True)
    path = version_path(model, version)
    path.rename(model / SHELF / path.name)


def require_live(model: Path) -> int:
    """Return the live version; raises `ModelNotFoundError` if there is none."""
    return int(latest_version(model).name)
