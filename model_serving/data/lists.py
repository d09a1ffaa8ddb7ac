"""Lists of labelled photos: CSV and Parquet files with the headers that people use."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_serving.data.files import PHOTO_SUFFIXES, photos_below, read_file
from model_serving.data.labelled_files import SPLIT_NAMES, LabelledFile, LabelledFiles
from model_serving.errors import DatasetError

LIST_SUFFIXES = (".csv", ".tsv", ".parquet")

# Headers in small letters and digits, the most telling first: a list with `id` and `path` names files by `path`.
PHOTO_HEADERS = (
    *("file", "filename", "filepath", "path", "image", "imagefile", "imagefilename", "imagename", "imagepath", "img"),
    *("photo", "picture", "imageid", "imgid", "photoid", "id", "name"),
)
LABEL_HEADERS = (
    *("breed", "breedname", "label", "labels", "labelname", "class", "classname", "category", "categoryname"),
    *("species", "variety", "tag", "target"),
)
SPLIT_HEADERS = ("split", "subset", "partition", "set", "dataset")


@dataclass(frozen=True)
class Columns:
    """The headers of a list's columns of photos and labels, where a person names them."""

    photo: str | None = None
    label: str | None = None


ANY_COLUMNS = Columns()


@dataclass(frozen=True)
class _Table:
    """Rows of texts with their line numbers, and the headers above them, none if the first line is a row already."""

    headers: list[str]
    rows: list[tuple[int, list[str]]]


def read_lists(files: Sequence[Path], columns: Columns = ANY_COLUMNS) -> LabelledFiles:
    """Return the photos of a list, or of several that are named after their splits, as `train.csv` and `test.csv`.

    Files are named relative to the list, with or without their folder and ending. Raises `DatasetError` for a list that
    cannot be understood, with the headers that were found.
    """
    splits = [_split_in(file.stem) for file in files] if len(files) > 1 else [None]
    if len(files) > 1 and None in splits:
        names = ", ".join(repr(file.name) for file in files)
        raise DatasetError(f"{str(files[0].parent)!r} holds several lists of labels: {names}. Name the one to use.")
    rows = [row for file, split in zip(files, splits, strict=True) for row in _read_rows(file, columns, split)]
    if len({row.split is None for row in rows}) > 1:
        raise DatasetError(f"{str(files[0])!r} gives a split to some of its photos only. Give one to all, or to none.")
    return LabelledFiles(rows)


def _split_in(name: str) -> str | None:
    words = re.split(r"[\W_]+", name.casefold())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _read_rows(file: Path, columns: Columns, default_split: str | None) -> list[LabelledFile]:
    table = _read_table(file)
    split = None
    if table.headers:
        photo = _require(file, table.headers, columns.photo, PHOTO_HEADERS, "photo")
        label = _require(file, table.headers, columns.label, LABEL_HEADERS, "label")
        split = _find(table.headers, SPLIT_HEADERS)
    elif columns != ANY_COLUMNS:
        raise DatasetError(f"{str(file)!r} has no line of headers. Add one, or leave the names of columns out.")
    else:
        photo, label = 0, 1
    width = len(table.headers) or 2
    rows = []
    locate = _locator(file.parent)
    for number, row in table.rows:
        if len(row) != width or not row[photo].strip() or not row[label].strip():
            form = ",".join(table.headers) or "file,label"
            raise DatasetError(f"Line {number} of {str(file)!r} is not of the form {form}: {row!r}.")
        part = default_split
        if split is not None and row[split].strip():
            part = SPLIT_NAMES.get(row[split].strip().casefold())
            if part is None:
                raise DatasetError(
                    f"Line {number} of {str(file)!r}: {row[split]!r} is no split. Use train, valid, test."
                )
        rows.append(LabelledFile(locate(row[photo].strip()), row[label].strip(), part))
    if not rows:
        raise DatasetError(f"The list {str(file)!r} names no photos.")
    if not any(row.path.exists() for row in rows):
        raise DatasetError(f"No photo that {str(file)!r} names is there, such as {str(rows[0].path)!r}.")
    return rows


def names_labels(file: Path, columns: Columns) -> bool:
    """Tell whether a file has columns of photos and of labels."""
    try:
        headers = _read_table(file).headers
    except DatasetError:
        return False
    named = [name for name in (columns.photo, columns.label) if name]
    if named:
        return set(named) <= set(headers)
    return _find(headers, PHOTO_HEADERS) is not None and _find(headers, LABEL_HEADERS) is not None


def _require(file: Path, headers: Sequence[str], named: str | None, known: Sequence[str], what: str) -> int:
    """Return the index of a column, by the name that a person gave or else by usual ones."""
    if named is not None:
        if named in headers:
            return headers.index(named)
        problem = f"has no column {named!r}"
    elif (found := _find(headers, known)) is not None:
        return found
    else:
        problem = f"has no column that is known to hold {what}s"
    raise DatasetError(f"{str(file)!r} {problem}; its columns are {', '.join(headers)}. Name one by --{what}-column.")


def _find(headers: Sequence[str], known: Sequence[str]) -> int | None:
    keys = [re.sub(r"[\W_]+", "", header.casefold()) for header in headers]
    return next((keys.index(name) for name in known if name in keys), None)


def _read_table(file: Path) -> _Table:
    return _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)


def _read_csv(file: Path) -> _Table:
    try:
        text = _decode(read_file(file))
        first = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise DatasetError(f"The list {str(file)!r} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{str(file)!r} is no list of file,label lines. Give a CSV file or a folder.") from error
    if not rows or _names_photo(file.parent, rows[0][1][0]):
        return _Table([], rows)
    return _Table([cell.strip() for cell in rows[0][1]], rows[1:])


def _names_photo(folder: Path, cell: str) -> bool:
    return Path(cell).suffix.lower() in PHOTO_SUFFIXES or (folder / cell).is_file()


def _decode(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8, or as spreadsheets write it. Raises `UnicodeDecodeError`."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content or content.startswith(b"\xff\xd8"):
        raise UnicodeDecodeError("utf-8", content, 0, 1, "no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _read_parquet(file: Path) -> _Table:
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as error:
        raise DatasetError("A Parquet list needs the extra `parquet`, or make it a CSV file.") from error
    try:
        # Columns of other things, such as the photos' own bytes, hold no names and are not read.
        names = [
            field.name
            for field in parquet.read_schema(file)
            if not types.is_nested(field.type) and not types.is_binary(field.type)
        ]
        table = parquet.read_table(file, columns=names)
    except (ArrowException, OSError) as error:
        raise DatasetError(f"{str(file)!r} is no sound Parquet file. Give a CSV file or a folder.") from error
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return _Table(list(table.column_names), list(enumerate(map(list, zip(*columns, strict=True)), start=1)))


def _locator(folder: Path) -> Callable[[str], Path]:
    """Return a function that finds the file a list in `folder` names: at that path, or below it by its last parts.

    An ending may be missing, as in Kaggle's `id` for `train/ID.jpg`. A file that is not there is returned where it
    should be, for its reader to name. Raises `DatasetError` if several files have the name.
    """
    by_name: dict[str, list[str]] = {}

    def index() -> dict[str, list[str]]:
        if not by_name:
            for path in photos_below(folder):
                name = path.relative_to(folder).as_posix()
                for key in {path.name, path.stem}:
                    by_name.setdefault(key, []).append(name)
        return by_name

    def locate(name: str) -> Path:
        name = name.replace("\\", "/")
        if (path := folder / name).is_file():
            return path
        found = [one for one in index().get(name.rpartition("/")[2], ()) if _ends_with(one, name)]
        if len(found) > 1:
            raise DatasetError(f"The list names {name!r}, and both {found[0]!r} and {found[1]!r} are there. Name one.")
        return folder / found[0] if found else path

    return locate


def _ends_with(path: str, name: str) -> bool:
    """Tell whether `name` is the path's last parts, with or without the ending."""
    return f"/{path}".endswith(f"/{name}") or f"/{path}".rpartition(".")[0].endswith(f"/{name}")
