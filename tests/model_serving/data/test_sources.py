"""Sources of labelled photos: folders, lists, and zip files of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from model_serving.data.sources import read_source
from model_serving.errors import DatasetError, DownloadError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own, as zip files are unpacked below the current one."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def write(root: Path, contents: dict[str, str]) -> Path:
    """Write files of these names and texts."""
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


FOLDERS = {"dogs/pug/1.jpg": "1", "dogs/boxer/2.jpg": "2", "__MACOSX/dogs/pug/._1.jpg": "x", "dogs/.DS_Store": "x"}
KAGGLE = {
    "labels.csv": "id,breed\naa,pug\nbb,boxer\n",
    "sample_submission.csv": "id,pug,boxer\ncc,0.5,0.5\n",
    "train/aa.jpg": "1",
    "train/bb.jpg": "2",
    "test/cc.jpg": "3",
}


@pytest.mark.parametrize("contents", [FOLDERS, KAGGLE], ids=["folders", "list"])
@pytest.mark.parametrize("packed", [False, True])
def test_read_source_of_folders_and_lists_packed_or_not(tmp_path: Path, contents: dict[str, str], packed: bool) -> None:
    """Class folders and Kaggle's list give the same photos from a folder as from a zip file of it."""
    source = write(tmp_path / "data", contents)
    if packed:
        with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
            for name in contents:
                archive.write(source / name, name)
        source = tmp_path / "data.zip"
    found = read_source(source)
    assert sorted((file.label, file.path.read_text()) for file in found.files) == [("boxer", "2"), ("pug", "1")]
    assert read_source(source).files == found.files  # unpacked once, and found again


def test_read_source_prefers_class_folders_to_a_list_beside_them(tmp_path: Path) -> None:
    """Class folders say it all, unless a person names the columns of a list."""
    from model_serving.data.lists import Columns

    contents = {"pug/1.jpg": "1", "boxer/2.jpg": "2", "notes.csv": "file,label\n1.jpg,fawn\n"}
    write(tmp_path / "data", contents)
    assert {file.label for file in read_source(tmp_path / "data").files} == {"pug", "boxer"}
    assert {file.label for file in read_source(tmp_path / "data", Columns("file")).files} == {"fawn"}


def test_read_source_of_several_lists_asks_which(tmp_path: Path) -> None:
    """Two lists that are no splits are named."""
    write(tmp_path / "data", {"1.jpg": "1", "a.csv": "file,label\n1.jpg,x\n", "b.csv": "file,label\n1.jpg,y\n"})
    with pytest.raises(DatasetError, match=r"several lists of labels: 'a\.csv', 'b\.csv'"):
        read_source(tmp_path / "data")


@pytest.mark.parametrize("contents", [{"1.jpg": "1"}, {"train/1.jpg": "1", "test/2.jpg": "2"}, {"a/readme.md": ""}])
def test_read_source_without_classes_says_what_to_give(tmp_path: Path, contents: dict[str, str]) -> None:
    """Photos without labels are no data set, and `train` and `test` are no classes."""
    with pytest.raises(DatasetError, match="no photos in class folders"):
        read_source(write(tmp_path / "data", contents))


def test_read_source_of_a_damaged_zip_file_says_so(tmp_path: Path) -> None:
    """A zip file that was cut short is told."""
    (tmp_path / "data.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(DownloadError, match="no sound zip file"):
        read_source(tmp_path / "data.zip")
