"""Lists of photos with the headers that people use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from model_serving.data.lists import Columns, read_lists
from model_serving.errors import DatasetError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photos a.jpg, sub/b.jpg, sub/IMG and train/c1.jpg, none of which is decoded."""
    for name in ("a.jpg", "sub/b.jpg", "sub/IMG", "train/c1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    return tmp_path


def read(folder: Path, text: str | bytes, columns: Columns = Columns()) -> list[tuple[str, str, str | None]]:  # noqa: B008
    """Return the file, label and split of each photo of a list with this content."""
    (folder / "list.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    found = read_lists([folder / "list.csv"], columns).files
    return [(file.path.relative_to(folder).as_posix(), file.label, file.split) for file in found]


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,Pug\nsub/b.jpg,Boxer\n",
        "file,label\na.jpg,Pug\n\nsub/b.jpg,Boxer\n",
        "File Name;Class\na.jpg;Pug\nsub/b.jpg;Boxer\n",
        "label\tpath\nPug\ta.jpg\nBoxer\tsub/b.jpg\n",
        "image_id,category\na,Pug\nb,Boxer\n",
        'width,IMAGE,breed_name\n10,"a.jpg"," Pug "\n20,sub\\b.jpg,Boxer\n',
        "id,filename,breed\n1,a.jpg,Pug\n2,b.jpg,Boxer\n",
        "\ufefffilename,species\r\na.jpg,Pug\r\nb.jpg,Boxer\r\n",
        "filepath,label\n./a.jpg,Pug\nsub/b,Boxer\n",
    ],
)
def test_read_lists_takes_usual_headers(folder: Path, text: str) -> None:
    """Columns may stand in any order, files may lack their folder or ending, and spreadsheets may have written it."""
    assert read(folder, text) == [("a.jpg", "Pug", None), ("sub/b.jpg", "Boxer", None)]


def test_read_lists_takes_kaggles_list(folder: Path) -> None:
    """`id,breed` names the photos of the folder `train` without their ending."""
    assert read(folder, "id,breed\nc1,boston_bull\n") == [("train/c1.jpg", "boston_bull", None)]


def test_read_lists_takes_splits(folder: Path) -> None:
    """A column of splits is followed, in whatever words."""
    text = "file,label,split\na.jpg,Pug,Training\nb.jpg,Pug,val\nIMG,Boxer,TEST\n"
    assert [split for _, _, split in read(folder, text)] == ["train", "valid", "test"]


def test_read_lists_of_a_spreadsheet_in_another_encoding(folder: Path) -> None:
    """Labels of old spreadsheets, and of UTF-16, are read as they were written."""
    assert read(folder, "file,label\na.jpg,Löwchen\n".encode("cp1252"))[0][1] == "Löwchen"
    assert read(folder, "file\tlabel\na.jpg\tLöwchen\n".encode("utf-16"))[0][1] == "Löwchen"


def test_read_lists_of_parquet(folder: Path) -> None:
    """A Parquet file is a list like any other; a column of the photos' own bytes is none of names."""
    table = pa.table({"image": [b"\xff", b"\xff"], "path": ["a.jpg", "b.jpg"], "label": ["Pug", "Boxer"], "n": [1, 2]})
    parquet.write_table(table, folder / "list.parquet")
    found = read_lists([folder / "list.parquet"]).files
    assert [(file.path.name, file.label) for file in found] == [("a.jpg", "Pug"), ("b.jpg", "Boxer")]


def test_read_lists_named_after_splits(folder: Path) -> None:
    """`train.csv` and `test_labels.csv` are the splits of one data set."""
    (folder / "train.csv").write_text("file,label\na.jpg,Pug\n")
    (folder / "test_labels.csv").write_text("file,label\nb.jpg,Pug\n")
    found = read_lists([folder / "train.csv", folder / "test_labels.csv"]).files
    assert [file.split for file in found] == ["train", "test"]


def test_read_lists_by_named_columns(folder: Path) -> None:
    """Columns that nobody could guess are named by the person."""
    text = "wo,was,label\na.jpg,Mops,7\n"
    assert read(folder, text, Columns("wo", "was")) == [("a.jpg", "Mops", None)]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("wo,was\na.jpg,Mops\n", Columns(), "its columns are wo, was. Name one by --photo-column"),
        ("file,was\na.jpg,Mops\n", Columns(), "its columns are file, was. Name one by --label-column"),
        ("file,label\na.jpg,Pug\n", Columns("pic"), "has no column 'pic'; its columns are file, label"),
        ("a.jpg,Pug\n", Columns("pic"), "has no line of headers"),
        ("a.jpg,Pug\nb.jpg,Pug,0.9\n", Columns(), "Line 2 of"),
        ("file,label\na.jpg,\n", Columns(), "Line 2 of"),
        ("file,label,split\na.jpg,Pug,fold1\n", Columns(), "Line 2 of .*: 'fold1' is no split"),
        ("file,label,split\na.jpg,Pug,train\nb.jpg,Pug,\n", Columns(), "gives a split to some of its photos only"),
        ("file,label\ngone.jpg,Pug\n", Columns(), "No photo that .* names is there, such as .*gone.jpg"),
        ("file,label\n", Columns(), "names no photos"),
        ("", Columns(), "names no photos"),
        (b"\xff\xd8\xff\xe0\0\0", Columns(), "list.csv' is no list of file,label lines"),
        ('file,label\n"a.jpg,Pug\n', Columns(), "is no list of file,label lines"),
    ],
)
def test_read_lists_refuses_what_it_cannot_understand(
    folder: Path, text: str | bytes, columns: Columns, message: str
) -> None:
    """A list that is not understood is told in one line, with its headers or the number of the line."""
    with pytest.raises(DatasetError, match=message) as error:
        read(folder, text, columns)
    assert "\n" not in str(error.value)


def test_read_lists_of_a_name_that_two_files_have(folder: Path) -> None:
    """A name that fits two photos is refused with both, not guessed."""
    (folder / "train" / "b.jpg").touch()
    with pytest.raises(DatasetError, match=re.escape("'b.jpg', and both 'sub/b.jpg' and 'train/b.jpg' are there")):
        read(folder, "file,label\nb.jpg,Pug\n")


@pytest.mark.parametrize("headers", [["id", "breed"], ["image", "class"], ["photo", "target"], ["Image Path", "Tag"]])
def test_read_lists_finds_columns(folder: Path, headers: Sequence[str]) -> None:
    """Each of the usual headers names its column, in any case and with blanks."""
    assert read(folder, f"{headers[0]},{headers[1]}\na.jpg,Pug\n") == [("a.jpg", "Pug", None)]
