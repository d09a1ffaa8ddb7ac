"""Likely wrong labels: found by what unseen heads say, and listed for a person."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from model_serving.report.data_review import LabelIssue, find_label_issues, label_issues_csv

BREEDS = ("Akita", "Beagle")
PHOTOS = [Path(f"{number}.jpg") for number in range(4)]
# The second photo is as surely a Beagle as Beagles are; the third is doubtful, but less so than they.
PROBABILITIES = np.array([[0.9, 0.1], [0.1, 0.9], [0.45, 0.55], [0.2, 0.8]])
LABELS = np.array([0, 0, 0, 1])


def test_find_label_issues_lists_what_is_as_sure_as_the_class_itself() -> None:
    """A photo taken for another breed is listed only if it looks as much like it as photos of that breed do."""
    issues = find_label_issues(PROBABILITIES, LABELS, PHOTOS, BREEDS)
    assert issues == [LabelIssue(PHOTOS[1], "Akita", "Beagle", 0.9, 0.1)]


def test_find_label_issues_puts_the_surest_first() -> None:
    """A person who looks at ten looks at the ten surest."""
    probabilities = np.concatenate([PROBABILITIES, [[0.02, 0.98]]])
    issues = find_label_issues(probabilities, np.append(LABELS, 0), [*PHOTOS, Path("4.jpg")], BREEDS)
    assert [issue.photo.name for issue in issues] == ["4.jpg", "1.jpg"]


@pytest.mark.parametrize("name", ["=1+1.jpg", "@x.jpg", "-x.jpg", "+x.jpg"])
def test_label_issues_csv_runs_no_formula(name: str) -> None:
    """A file named like a formula is text for a spreadsheet."""
    text = label_issues_csv([LabelIssue(Path(name), "=A", "B", 0.9, 0.1)], str)
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["file"], row["label"], row["confidence"]) == (f"'{name}", "'=A", "0.9000")
