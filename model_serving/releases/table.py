"""Table of a model's versions, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_serving.releases.shelf import find_version, live_version, shelved_versions
from model_serving.savedmodel.card import CARD_FILE
from model_serving.savedmodel.versions import list_versions

_HEADINGS = ("version", "state", "created", "backbone", "classes", "graphs", "trained on", "test top-1")


def versions_table(model: Path) -> str:
    """Return a line for each version, newest first: whether it is live, its date, its origin and its accuracy."""
    rows = [_HEADINGS, *_rows(model)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _rows(model: Path) -> Iterator[tuple[str, ...]]:
    live, shelved = live_version(model), shelved_versions(model)
    for version in sorted([*list_versions(model), *shelved], reverse=True):
        state = "live" if version == live else "shelved" if version in shelved else "before"
        card = _read_card(find_version(model, version))
        training, test = card.get("training") or {}, card.get("test")
        yield (
            str(version),
            state,
            card.get("created", "?"),
            card.get("backbone", "?"),
            str(len(card["breeds"])) if card else "?",
            _graphs(card) if card else "?",
            f"{training['photos']} photos" if training else "-",
            f"{test['top1']:.1%} of {test['photos']}" if test else "-",
        )


def _graphs(card: dict[str, Any]) -> str:
    return "fp32, int8" if (card.get("int8") or {}).get("kept") else "fp32"


def _read_card(version: Path) -> dict[str, Any]:
    """Return the card beside a version, nothing if there is none: an export of another program has none."""
    try:
        card = json.loads((version / CARD_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
