"""Versions of a model on disk: `<model>/<positive integer>/`, the layout that TensorFlow Serving watches.

A version may also lie in `<model>/.shelf/`, which servers do not look into: it is whole, keeps its number, and is not
served. `releases` moves versions between the two.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from model_serving.errors import ModelNotFoundError, StorageError
from model_serving.savedmodel.folder_lock import locked

SHELF = ".shelf"
# Hidden folders beside the versions: of one that is being written, and of one that is being deleted.
_INCOMING, _DELETED = ".incoming-", ".deleted-"


def list_versions(model: Path) -> list[int]:
    """Return the versions in the folder `model`, oldest first; none if there is no such folder."""
    return sorted(int(path.name) for path in _folders(model))


def latest_version(model: Path) -> Path:
    """Return the folder of the newest version; raises `ModelNotFoundError` if there is none."""
    versions = list_versions(model)
    if not versions:
        raise ModelNotFoundError(f"There is no model in {str(model)!r}. Make one with `dog-breed export` or `train`.")
    return version_path(model, versions[-1])


def version_path(model: Path, version: int) -> Path:
    """Return the folder of one version, whose name may carry leading zeros; raises `ModelNotFoundError`."""
    for path in _folders(model):
        if int(path.name) == version:
            return path
    raise ModelNotFoundError(f"{str(model)!r} has no version {version}; it has {list_versions(model)}.")


def version_or_latest(model: Path, version: int | None) -> Path:
    """Return the folder of `version`, or of the newest one for None; raises `ModelNotFoundError`."""
    return latest_version(model) if version is None else version_path(model, version)


def _folders(model: Path) -> list[Path]:
    if not model.is_dir():
        return []
    return [path for path in model.iterdir() if path.is_dir() and path.name.isdecimal()]


def write_version(model: Path, write: Callable[[Path], None], *, shelved: bool = False) -> Path:
    """Let `write` fill an empty hidden folder, then make it the next version in one rename; return its path.

    A watcher therefore never sees half a version, and no version is ever overwritten: each of several exports at once
    takes a number of its own. With `shelved` it goes to the shelf. Raises `StorageError` if it cannot be written.
    """
    try:
        place = model / SHELF if shelved else model
        place.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            with locked(model):
                remove_leftovers(model)
                hidden = make_hidden(model)
                stack.callback(shutil.rmtree, hidden, ignore_errors=True)
                stack.enter_context(locked(hidden))  # no other export takes it for a leftover
            write(hidden)
            with locked(model):
                return _rename_to_next(hidden, place, model)
    except OSError as error:
        raise StorageError(
            f"No version can be written to {str(model)!r}: {error.strerror or error}. Make room there, or name another "
            "folder. The versions in it are as they were."
        ) from error


def write_copy(
    model: Path, version: Path, replaced: Sequence[str], write: Callable[[Path], None], *, shelved: bool = False
) -> Path:
    """Write the version in the folder `version` once more, as the next one of `model`; return its path.

    `write` writes the files of the names in `replaced` anew. All others are hard links, which take no space.
    """

    def copy(folder: Path) -> None:
        ignored = shutil.ignore_patterns(*replaced)
        shutil.copytree(version, folder, copy_function=os.link, ignore=ignored, dirs_exist_ok=True)
        write(folder)

    return write_version(model, copy, shelved=shelved)


def make_hidden(folder: Path) -> Path:
    """Return a new hidden folder in `folder`, to be filled and renamed, that is readable by others."""
    hidden = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=folder))
    hidden.chmod(0o755)  # mkdtemp makes it private, and the server may run as another user
    return hidden


def delete_version(path: Path) -> None:
    """Delete the version in the folder `path`; it is moved out of sight first, so that no server loads half of it."""
    doomed = Path(tempfile.mkdtemp(prefix=_DELETED, dir=path.parent))
    path.rename(doomed / path.name)
    shutil.rmtree(doomed)


def remove_leftovers(folder: Path) -> None:
    """Delete the hidden folders that killed processes left in `folder`, and none that is being filled.

    The caller has locked `folder`, so that no process has just made one and not locked it yet.
    """
    for path in (*folder.glob(f"{_DELETED}*"), *folder.glob(f"{SHELF}/{_DELETED}*")):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{_INCOMING}*"):
        with locked(path, wait=False) as is_leftover:
            if is_leftover:
                shutil.rmtree(path, ignore_errors=True)


def _rename_to_next(hidden: Path, place: Path, model: Path) -> Path:
    while True:
        # Anything with a number for a name takes that number, even a plain file.
        taken = [int(path.name) for path in (*model.glob("*"), *model.glob(f"{SHELF}/*")) if path.name.isdecimal()]
        target = place / str(max(taken, default=0) + 1)
        try:
            return hidden.rename(target)
        except OSError:
            if not target.exists():
                raise
