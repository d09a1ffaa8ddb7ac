"""The report is one file that shows what was found, whatever the classes and the photos are called."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_serving.metrics import measure
from model_serving.report.data_review import BreedGain, DataReview, LabelIssue, NearDuplicate, SamplePoint
from model_serving.report.findings import analyse_answers
from model_serving.report.page import HTML_FILE, JSON_FILE, LABELS_FILE, MATRIX_FILE, write_report
from model_serving.savedmodel.card import Familiarity, ModelCard
from model_serving.subject import Subject

HOSTILE = "<script>alert(1)</script>"
BREEDS = ("Akita", HOSTILE)
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
LABELS = np.array([0, 0, 1])


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """Write the report of three photos, one of them a mistake under a hostile name."""
    data = tmp_path / "data"
    data.mkdir()
    photos = [data / name for name in ("one.png", '"onerror="x.png', "three.png")]
    for photo in photos:
        Image.new("RGB", (30, 20), (200, 10, 10)).save(photo)
    card = ModelCard(
        "trained",
        "densenet201",
        224,
        1.0,
        BREEDS,
        True,
        training={
            "photos": 7,
            "also": {"added": 12, "left_out": 5},
            "skipped": 0,
            "seconds": 83,
            "breeds": {"Akita": 5, HOSTILE: 2},
            "kept_epoch": 2,
            "history": {"accuracy": [0.4, 0.9], "val_accuracy": [0.3, 0.8]},
        },
        calibration={"photos": 60, "from": "cross-validation", "error_before": 0.071, "error_after": 0.029},
        familiarity=Familiarity((0.0, 1.0)),
        test=asdict(measure(PROBABILITIES, LABELS)),
        on_device={"kept": False, "why_not": "top-1 falls", "judged_on": "test photos", "photos": 99, "agreement": 0.9},
    )
    folder = tmp_path / "1"
    (folder / "assets.extra").mkdir(parents=True)
    review = DataReview(
        [LabelIssue(photos[1], "Akita", HOSTILE, 0.8, 0.2)],
        [NearDuplicate(photos[0], photos[2], "Akita")],
        [SamplePoint(2.0, 0.5), SamplePoint(4.0, 0.75)],
        [BreedGain("Akita", 0.4, 0.7)],
    )
    write_report(folder, card, analyse_answers(PROBABILITIES, LABELS, photos, BREEDS), review, data)
    return folder


def test_write_report_shows_the_figures_and_needs_no_other_file(version: Path) -> None:
    """The page holds accuracy, charts and the mistaken photo, and refers to nothing outside of itself."""
    page = (version / HTML_FILE).read_text()
    assert "66.7%" in page
    assert "<dt>added by <code>--also</code><dd>12 training photos; 5 left out" in page
    assert page.count("<svg") == 4
    # As a confusion, beside what it was taken for; as a mistake; as a likely wrong label; and two duplicates.
    assert page.count("data:image/jpeg;base64,") == 6
    assert "brought +25.0 points" in page
    assert "error 0.071 before, 0.029 after" in page
    assert "looks stranger than all but 5% of such photos" in page
    assert "<dt>input<dd>224 pixels" in page
    assert "no file, as top-1 falls; the same first answer as on the server to 90.0% of 99 test photos" in page
    assert "1 min 23 s" in page
    assert re.search(r'<td>Akita<td class="n">5<td class="n">2<td class="n">50%', page)
    assert not re.search(r"https?://|src=\"(?!data:)|<link|<script|@import|url\(", page)


def test_write_report_escapes_names(version: Path) -> None:
    """The name of a class folder or of a file is text, whatever it looks like."""
    page = (version / HTML_FILE).read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert '""onerror' not in page


def test_write_report_as_json_has_the_same_figures(version: Path) -> None:
    """Programs read the same findings, with photos by their place in the data."""
    report = json.loads((version / JSON_FILE).read_text())
    assert report["card"]["test"]["photos"] == 3
    assert report["findings"]["mistakes"][0] == {
        "photo": '"onerror="x.png',
        "breed": "Akita",
        "said": HOSTILE,
        "confidence": 0.8,
        "confidence_in_breed": 0.2,
    }


def test_write_report_lists_labels_and_confusions_for_a_spreadsheet(version: Path) -> None:
    """Two CSV files have every likely wrong label and every count, in the order of the card."""
    labels = list(csv.reader(io.StringIO((version / LABELS_FILE).read_text())))
    assert labels[1] == ['"onerror="x.png', "Akita", HOSTILE, "0.8000", "0.2000"]
    matrix = list(csv.reader(io.StringIO((version / MATRIX_FILE).read_text())))
    assert matrix[1:] == [["Akita", "1", "1"], [HOSTILE, "0", "1"]]


def test_write_report_speaks_with_the_words_of_the_card(version: Path) -> None:
    """Text, charts and lists call the classes what the card calls them, and nothing a dog or a breed."""
    card = ModelCard.from_json(json.dumps(json.loads((version / JSON_FILE).read_text())["card"]))
    card = replace(card, detects_dogs=False, subject=Subject("mushroom", "mushrooms", "species", "species"))
    photo = version.parent / "data" / "one.png"
    review = DataReview(
        [LabelIssue(photo, "Akita", HOSTILE, 0.8, 0.2)],
        [NearDuplicate(photo, photo, "Akita")],
        [SamplePoint(2.0, 0.5), SamplePoint(4.0, 0.75)],
        [BreedGain("Akita", 0.4, 0.7)],
    )
    write_report(version, card, analyse_answers(PROBABILITIES, LABELS, [photo] * 3, BREEDS), review, photo.parent)
    page = re.sub(r"data:image/jpeg;base64,[^\"]*", "", (version / HTML_FILE).read_text())
    assert '<p class="soft">2 species on densenet201' in page
    assert "Species by species, the hardest first" in page
    assert "training photos a species" in page
    assert "<h1>Mushrooms</h1>" in page
    assert not re.search(r"dog|breed", page, re.IGNORECASE)
    assert (version / MATRIX_FILE).read_text().startswith('"species, by')


def test_write_report_without_test_photos_says_so(version: Path) -> None:
    """A model without a test split has a report, too, that says what is missing."""
    card = ModelCard(
        "trained", "densenet201", 224, 1.0, BREEDS, True, training={"photos": 7, "skipped": 0, "seconds": 1}
    )
    write_report(version, card, None, None, version)
    page = (version / HTML_FILE).read_text()
    assert "no test photos" in page
    assert "--also" not in page
    assert json.loads((version / JSON_FILE).read_text())["findings"] is None
