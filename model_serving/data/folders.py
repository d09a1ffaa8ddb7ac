"""Class folders, with or without folders of splits and of groups around them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import takewhile
from pathlib import Path

from model_serving.data.files import walk
from model_serving.data.labelled_files import SPLIT_NAMES, LabelledFile, LabelledFiles
from model_serving.errors import DatasetError

# A folder's path below that of the data set, by its parts.
_Parts = tuple[str, ...]


def read_folders(root: Path) -> LabelledFiles:
    """Return the photos below `root`: the upmost folder that holds photos is a class, the folders above are its groups.

    Folders called train, valid or test, above the class folders or within each, are splits. Raises `DatasetError` if
    two folders mean the same class, and `OSError` for a folder that cannot be listed.
    """
    photos: dict[_Parts, list[Path]] = {}
    folders: list[_Parts] = []
    for folder, found in walk(root):
        folders.append(folder.relative_to(root).parts)
        if found:
            photos[folders[-1]] = found
    splits = _split_folders(photos)
    files: list[LabelledFile] = []
    notes = []
    classes: dict[_Parts, LabelledFile] = {}
    for parts, paths in photos.items():
        folder_of_class = next((up for up in _upwards(parts) if up in photos and _without(up, splits)), None)
        split = next((SPLIT_NAMES[part.casefold()] for part in parts if part.casefold() in splits), None)
        if folder_of_class is None or (splits and split is None):
            reason = "no class folder" if folder_of_class is None else "no split"
            notes.append(f"left out: {len(paths)} photos in {'/'.join(parts) or '.'}, which is in {reason}")
            continue
        *groups, label = _without(folder_of_class, splits)
        files += [LabelledFile(path, label, split, tuple(groups)) for path in paths]
        classes[folder_of_class] = files[-1]
    result = LabelledFiles(_without_common_groups(files), _empty(folders, classes), notes)
    _refuse_twins(classes, result.names)
    return result


def _upwards(parts: _Parts) -> Iterable[_Parts]:
    """Yield the folders on the way to `parts`, the upmost first."""
    return (parts[:depth] for depth in range(1, len(parts) + 1))


def _without(parts: _Parts, splits: Collection[str]) -> _Parts:
    return tuple(part for part in parts if part.casefold() not in splits)


def _split_folders(photos: Collection[_Parts]) -> set[str]:
    """Return the names of folders that are splits: those above class folders, or within several of them.

    A folder called `train` that holds photos, as the folders beside it do, may well be a class of vehicles.
    """

    def is_class(parts: _Parts) -> bool:
        beside = (one for one in photos if one[:-1] == parts[:-1] and len(one) == len(parts))
        return parts in photos and any(one[-1].casefold() not in SPLIT_NAMES for one in beside)

    above = {
        up[-1].casefold()
        for parts in photos
        for up in _upwards(parts[:-1])
        if up[-1].casefold() in SPLIT_NAMES and not is_class(up)
    }
    within: dict[str, int] = {}
    for *classes, name in filter(None, photos):
        if classes and name.casefold() in SPLIT_NAMES:
            within[name.casefold()] = within.get(name.casefold(), 0) + 1
    found = above | (within.keys() if any(count > 1 for count in within.values()) else set())
    kinds = {SPLIT_NAMES[name] for name in found}
    return found if "train" in kinds or len(kinds) > 1 else set()


def _without_common_groups(files: list[LabelledFile]) -> list[LabelledFile]:
    """Return the files without the folders that are above all classes, such as `Images`."""
    groups = {file.groups for file in files}
    common = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, zip(*groups, strict=False)))
    return [LabelledFile(file.path, file.label, file.split, file.groups[common:]) for file in files]


def _empty(folders: list[_Parts], classes: dict[_Parts, LabelledFile]) -> list[str]:
    """Return the folders beside those of classes to learn that hold nothing to learn from."""
    parents = {parts[:-1] for parts, file in classes.items() if file.split in (None, "train")}
    filled = {up for parts in classes for up in _upwards(parts)}
    has_folders = {parts[:-1] for parts in folders if parts}
    return [
        "/".join(parts)
        for parts in folders
        if parts and parts[:-1] in parents and parts not in filled and parts not in has_folders
    ]


def _refuse_twins(classes: dict[_Parts, LabelledFile], names: dict[str, str]) -> None:
    known: dict[tuple[str | None, str], _Parts] = {}
    for parts, file in classes.items():
        other = known.setdefault((file.split, names[file.label].casefold()), parts)
        if other != parts:
            one, two = ("/".join(folder) for folder in (other, parts))
            raise DatasetError(f"The folders {one!r} and {two!r} mean the same class. Rename or merge one.")
