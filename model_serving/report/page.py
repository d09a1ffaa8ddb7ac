"""Report files of a version: `report.html`, which needs no other file, `report.json` with the same figures, and lists.

`confusion_matrix.csv` is for a spreadsheet, `likely_wrong_labels.csv` to work through and to give to `train --drop`.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from model_serving.data.omissions import naming
from model_serving.data.spreadsheets import without_formula
from model_serving.photos import Geometry
from model_serving.photos.pool import shared_pool
from model_serving.report.charts import confusion_picture, learning_curves, reliability_diagram, sample_curve
from model_serving.report.data_review import DataReview, label_issues_csv
from model_serving.report.findings import Findings
from model_serving.savedmodel.card import ModelCard

HTML_FILE = "assets.extra/report.html"
JSON_FILE = "assets.extra/report.json"
LABELS_FILE = "assets.extra/likely_wrong_labels.csv"
MATRIX_FILE = "assets.extra/confusion_matrix.csv"
# Of the lists of photos the page shows so many; the CSV file has all.
MOST_SHOWN = 24
# Large enough to see what it shows, and forty of them make no page of megabytes.
THUMBNAIL = Geometry(size=112, crop=1.0)


def write_report(
    version: Path, card: ModelCard, findings: Findings | None, review: DataReview | None, data: Path
) -> None:
    """Write the report of a version into its folder; there are no `findings` without test photos.

    Photos are named by their place in the folder `data`, and shown small.
    """
    training = card.training or {}
    history = training.get("history", {})
    curves = {
        name: history[key] for name, key in (("training", "accuracy"), ("validation", "val_accuracy")) if key in history
    }
    name = naming(data)
    page = _TEMPLATES.get_template("report.html.jinja").render(
        card=card,
        words=card.subject,
        findings=findings,
        review=review,
        most_shown=MOST_SHOWN,
        reliability=reliability_diagram(findings.reliability) if findings else "",
        matrix=confusion_picture(findings.confusion_matrix, card.breeds, card.subject.kinds) if findings else "",
        curves=learning_curves(curves, training.get("kept_epoch", 1) - 1) if curves else "",
        sample_curve=sample_curve(review.curve, card.subject.kind) if review and review.curve else "",
        thumbnail=_thumbnail,
        name=name,
    )
    (version / HTML_FILE).write_text(page, encoding="utf-8")
    (version / JSON_FILE).write_text(_to_json(card, findings, review, name), encoding="utf-8")
    if review:
        text = label_issues_csv(review.label_issues, name)
        (version / LABELS_FILE).write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    if findings:
        with (version / MATRIX_FILE).open("w", encoding="utf-8", newline="") as file:
            breeds = [without_formula(breed) for breed in card.breeds]
            table = csv.writer(file)
            table.writerow([f"{card.subject.kind}, by what it is taken for", *breeds])
            table.writerows([breed, *counts] for breed, counts in zip(breeds, findings.confusion_matrix, strict=True))


def _to_json(card: ModelCard, findings: Findings | None, review: DataReview | None, name: Callable[[Path], str]) -> str:
    content: dict[str, Any] = {"card": card.to_values()}
    content["findings"] = dataclasses.asdict(findings) if findings else None
    content["review"] = dataclasses.asdict(review) if review else None
    return json.dumps(content, ensure_ascii=False, indent=1, default=name)


def _thumbnail(photo: Path) -> str:
    """Return a photo as the model sees it, as a data URL; it was readable when it was tested."""
    buffer = io.BytesIO()
    shared_pool().read_pixels(photo.read_bytes(), THUMBNAIL).image().save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{share:.{digits}%}"


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("model_serving.report", "."), autoescape=True)
_TEMPLATES.filters |= {"percent": _percent, "duration": _duration}
