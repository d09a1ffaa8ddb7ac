"""Photos that a person leaves out: by the list of the report, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from model_serving.data.dataset import Dataset, read_dataset
from model_serving.data.omissions import naming, omit
from model_serving.errors import DatasetError
from model_serving.report.data_review import LabelIssue, label_issues_csv

NAMES = ("=1+1.jpg", "two, three.jpg", "Hündin 🐶.jpg", "4.jpg", "5.jpg", "6.jpg")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes of six photos under odd names."""
    for number, breed in enumerate(("Akita", "Beagle")):
        (tmp_path / "data" / breed).mkdir(parents=True)
        for place, name in enumerate(NAMES):
            Image.new("RGB", (8, 8), (number * 90, place * 20, 9)).save(tmp_path / "data" / breed / name)
    return tmp_path / "data"


def every(dataset: Dataset) -> set[Path]:
    return {photo.path for photos in dataset.splits.values() for photo in photos}


def test_omit_leaves_out_what_the_report_lists(data: Path, tmp_path: Path) -> None:
    """The report's own file names the photos, also after a spreadsheet has saved it with a BOM."""
    dataset = read_dataset(data)
    unwanted = [data / "Akita" / name for name in NAMES[:3]]
    listed = tmp_path / "listed.csv"
    issues = [LabelIssue(path, "Akita", "Beagle", 0.9, 0.1) for path in unwanted]
    listed.write_text(label_issues_csv(issues, naming(data)), encoding="utf-8-sig", newline="")
    rest, omitted = omit(dataset, data, listed)
    assert omitted == 3
    assert every(dataset) - every(rest) == set(unwanted)
    assert rest.splits["test"] == [photo for photo in dataset.splits["test"] if photo.path not in unwanted]


def test_omit_nothing_keeps_all(data: Path, tmp_path: Path) -> None:
    """A list whose rows were all deleted leaves nothing out."""
    listed = tmp_path / "listed.csv"
    listed.write_text(label_issues_csv([], str))
    dataset = read_dataset(data)
    assert omit(dataset, data, listed) == (dataset, 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("photo,label\nx,y\n", "no column 'file'"),
        ("", "no column 'file'"),
        ("file\nAkita/none.jpg\n", "names none of the photos"),
        ("file\n" + "".join(f'"Akita/{name}"\n' for name in NAMES), "leaves no training photo of Akita"),
    ],
)
def test_omit_by_a_wrong_list_is_told(data: Path, tmp_path: Path, text: str, told: str) -> None:
    """A file of another form or of another data set is told, and so is one that leaves a class empty."""
    listed = tmp_path / "listed.csv"
    listed.write_text(text)
    with pytest.raises(DatasetError, match=told):
        omit(read_dataset(data), data, listed)


def test_omit_by_a_missing_file_is_told(data: Path, tmp_path: Path) -> None:
    """A file that is not there is told by its name."""
    with pytest.raises(DatasetError, match=r"none\.csv"):
        omit(read_dataset(data), data, tmp_path / "none.csv")
