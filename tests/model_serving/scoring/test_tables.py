from __future__ import annotations

import csv
from pathlib import Path

import pytest

from model_serving.errors import ScoringError
from model_serving.scoring.tables import require_writable, write_table


def test_check_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    """A file name that tells no format is refused before the work, with those that do."""
    with pytest.raises(ScoringError, match=r"\.csv, \.ndjson, \.parquet"):
        require_writable(tmp_path / "scores.xlsx")


def test_check_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Yesterday's answers are safe."""
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(ScoringError, match="there already"):
        require_writable(tmp_path / "scores.csv")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\t"])
def test_write_csv_makes_no_formula_of_a_file_name(tmp_path: Path, start: str) -> None:
    """A name that a spreadsheet would take for a formula, and run, is text to it."""
    name = f'{start}HYPERLINK("http://elsewhere.example").jpg'
    write_table(tmp_path / "scores.csv", [{"file": name, "error": "damaged_image"}])
    with (tmp_path / "scores.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == f"'{name}"
    assert row["error"] == "damaged_image"
