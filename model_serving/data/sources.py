"""Labelled photos as people have them: class folders, lists, and zip files of either."""

from __future__ import annotations

from pathlib import Path

from model_serving.data.folders import read_folders
from model_serving.data.labelled_files import SPLIT_NAMES, LabelledFiles
from model_serving.data.lists import ANY_COLUMNS, LIST_SUFFIXES, Columns, names_labels, read_lists
from model_serving.data.unpack import unpacked
from model_serving.errors import DatasetError


def read_source(source: Path, columns: Columns = ANY_COLUMNS) -> LabelledFiles:
    """Read the labelled photos of a folder, of a CSV or Parquet list, or of a zip file that holds one of these.

    A folder's class folders name the classes; where it has none, a list in it does. Raises `DatasetError`.
    """
    source = unpacked(source)
    if source.is_file():
        return read_lists([source], columns)
    if not source.is_dir():
        raise DatasetError(f"There is no folder {str(source)!r}.")
    by_folder = read_folders(source)
    labels = {file.label for file in by_folder.files if file.label.casefold() not in SPLIT_NAMES}
    if len(labels) > 1 and columns == ANY_COLUMNS:
        return by_folder
    if lists := _lists_in(source, columns):
        return read_lists(lists, columns)
    if columns != ANY_COLUMNS:
        raise DatasetError(f"{str(source)!r} holds no CSV or Parquet list with such columns. Name the list itself.")
    if not labels:
        raise DatasetError(
            f"{str(source)!r} holds no photos in class folders. Put each class's photos in its own folder, "
            "or add a CSV list with the columns file and label."
        )
    return by_folder


def _lists_in(folder: Path, columns: Columns) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in LIST_SUFFIXES)
    return [file for file in files if not file.name.startswith(".") and names_labels(file, columns)]
