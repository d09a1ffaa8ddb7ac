"""Packing of a version into one zip file, and the way back into a folder of versions.

The file holds `manifest.json`, `LICENCE.txt` and the version's own files, card and report among them, below `version/`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

from model_serving.data.unpack import unpack
from model_serving.errors import ReleaseError
from model_serving.releases.shelf import find_version
from model_serving.savedmodel.card import CARD_FILE, ModelCard
from model_serving.savedmodel.folder_lock import locked
from model_serving.savedmodel.versions import write_version

FORM = "dog-breed version, form 1"
MANIFEST, LICENCE, FILES = "manifest.json", "LICENCE.txt", "version"
# Zip's first day, for every member: the same version gives the same bytes.
_DAY = (1980, 1, 1, 0, 0, 0)


def pack(model: Path, version: int, file: Path) -> None:
    """Write a version of `model` as the new zip file `file`, whole or not at all.

    Raises `ReleaseError` if there is no such version, or something at `file` already; OSError if it cannot be written.
    """
    if file.exists():
        raise ReleaseError(f"{str(file)!r} exists already. Name another file, or remove it.")
    with locked(model):  # no `prune` deletes it meanwhile
        folder = find_version(model, version)
        card = _read_card(folder)
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        manifest = {
            "form": FORM,
            "version": version,
            "head": card.head,
            "backbone": card.backbone,
            "files": {name: _digest(folder / name) for name in names},
        }
        incoming = file.with_name(f".packing-{os.getpid()}-{file.name}")
        try:
            with zipfile.ZipFile(incoming, "x") as archive:
                archive.writestr(_member(MANIFEST), json.dumps(manifest, indent=1))
                archive.writestr(_member(LICENCE), _licence(card))
                for name in names:
                    with (folder / name).open("rb") as source, archive.open(_member(f"{FILES}/{name}"), "w") as target:
                        shutil.copyfileobj(source, target)
            incoming.rename(file)
        finally:
            incoming.unlink(missing_ok=True)


def unpack_version(file: Path, model: Path, *, shelved: bool = False) -> Path:
    """Make the version in the zip file the next one of `model`, or one on its shelf, and return its folder.

    Raises `DownloadError` if the file is no sound zip file, and `ReleaseError` if it is not what `pack` writes, byte
    for byte; no version appears then.
    """
    if not file.is_file():
        raise ReleaseError(f"There is no file {str(file)!r}.")

    def write(folder: Path) -> None:
        content = unpack(file, folder / "unpacked")
        _require_whole(content, file)
        for path in (content / FILES).iterdir():
            path.rename(folder / path.name)
        shutil.rmtree(folder / "unpacked")

    return write_version(model, write, shelved=shelved)


def _require_whole(content: Path, file: Path) -> None:
    """Raise `ReleaseError` unless the unpacked files are those of the manifest, all of them and no others."""
    try:
        manifest = json.loads((content / MANIFEST).read_bytes())
        form, files = manifest["form"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise ReleaseError(f"{str(file)!r} is no packed version: `dog-breed pack` makes one.") from None
    if form != FORM:
        raise ReleaseError(f"{str(file)!r} is packed in another form, {form!r}; this command reads {FORM!r}.")
    folder = content / FILES
    found = {path.relative_to(folder).as_posix(): _digest(path) for path in folder.rglob("*") if path.is_file()}
    wrong = sorted(name for name in {*files, *found} if files.get(name) != found.get(name))
    if wrong:
        raise ReleaseError(f"{str(file)!r} is damaged: {wrong[0]!r} is not what was packed. Copy it again.")
    if "saved_model.pb" not in found:
        raise ReleaseError(f"{str(file)!r} holds no SavedModel.")
    _read_card(folder)


def _read_card(folder: Path) -> ModelCard:
    try:
        return ModelCard.from_json((folder / CARD_FILE).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"{folder.name!r} has no card that can be read: it is no version of `dog-breed`.") from error


def _licence(card: ModelCard) -> str:
    return (
        f"The weights of the backbone {card.backbone} keep the licence of their publisher; they were trained on\n"
        "ImageNet, whose terms allow research. What the head learned comes from the photos it was trained on: ask\n"
        "whoever has trained it before you publish it.\n"
        "The graph was written by the Dog Breed Detector (Apache License 2.0).\n"
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DAY)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
