"""Report files of a version: `report.html`, which needs no other file, and `report.json` with the same figures."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from model_serving.photos import Geometry
from model_serving.photos.pool import shared_pool
from model_serving.report.charts import learning_curves, reliability_diagram
from model_serving.report.findings import Findings
from model_serving.savedmodel.card import ModelCard

HTML_FILE = "assets.extra/report.html"
JSON_FILE = "assets.extra/report.json"
# Large enough to see the dog, and forty of them make no page of megabytes.
THUMBNAIL = Geometry(size=112, crop=1.0)


def write_report(version: Path, card: ModelCard, findings: Findings | None, data: Path) -> None:
    """Write the report of a version into its folder, `findings` being None if there were no test photos.

    Photos are named by their place in the folder `data`, and shown small.
    """
    training = card.training or {}
    history = training.get("history", {})
    curves = {
        name: history[key] for name, key in (("training", "accuracy"), ("validation", "val_accuracy")) if key in history
    }
    page = _TEMPLATES.get_template("report.html.jinja").render(
        card=card,
        findings=findings,
        reliability=reliability_diagram(findings.reliability) if findings else "",
        curves=learning_curves(curves, training.get("kept_epoch", 1) - 1) if curves else "",
        thumbnail=_thumbnail,
        name=_naming(data),
    )
    (version / HTML_FILE).write_text(page, encoding="utf-8")
    (version / JSON_FILE).write_text(_to_json(card, findings, _naming(data)), encoding="utf-8")


def _to_json(card: ModelCard, findings: Findings | None, name: Callable[[Path], str]) -> str:
    content: dict[str, Any] = {"card": dataclasses.asdict(card)}
    content["findings"] = dataclasses.asdict(findings) if findings else None
    return json.dumps(content, ensure_ascii=False, indent=1, default=name)


def _naming(data: Path) -> Callable[[Path], str]:
    def name(photo: Path) -> str:
        return str(photo.relative_to(data)) if photo.is_relative_to(data) else photo.name

    return name


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
