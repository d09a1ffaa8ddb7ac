"""Versions of a model on disk: `<model>/<positive integer>/`, the layout that TensorFlow Serving watches.

A version may also lie in `<model>/.shelf/`, which servers do not look into: it is whole, keeps its number, and is not
served. `releases` moves versions between the two.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from model_serving.errors import ModelNotFoundError

SHELF = ".shelf"


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

    A watcher therefore never sees half a version, and no version is ever overwritten: if another export takes the
    number first, this one takes the next. With `shelved` it goes to the shelf.
    """
    place = model / SHELF if shelved else model
    place.mkdir(parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=".incoming-", dir=model))
    hidden.chmod(0o755)  # mkdtemp makes it private, and the server may run as another user
    try:
        write(hidden)
        while True:
            # Whatever has a number for its name holds that number, were it a plain file.
            taken = [int(path.name) for path in (*model.glob("*"), *model.glob(f"{SHELF}/*")) if path.name.isdecimal()]
            target = place / str(max(taken, default=0) + 1)
            try:
                return hidden.rename(target)
            except OSError:
                if not target.exists():
                    raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
