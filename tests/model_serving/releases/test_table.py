"""The list of versions tells which one is live and how good each was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_serving.releases.table import versions_table
from model_serving.savedmodel.card import CARD_FILE, ModelCard
from model_serving.savedmodel.versions import write_version

CARD = ModelCard("imagenet", "densenet201", 224, 1.0, ("Akita", "Beagle"), True, created="2026-11-23T10:00:00Z")


def test_versions_table_tells_state_and_figures(tmp_path: Path) -> None:
    """Newest first: what is live, what was before and what is shelved, with date, origin, graphs and accuracy."""
    trained = replace(
        CARD, head="trained", int8={"kept": True}, training={"photos": 48}, test={"photos": 6, "top1": 0.5}
    )

    def write(card: ModelCard, shelved: bool = False) -> None:
        def fill(folder: Path) -> None:
            (folder / "assets.extra").mkdir()
            (folder / CARD_FILE).write_text(card.to_json())

        write_version(tmp_path, fill, shelved=shelved)

    write_version(tmp_path, lambda folder: None)
    write(CARD)
    write(trained, shelved=True)
    test = ["50.0%", "of", "6"]
    rows = [line.split() for line in versions_table(tmp_path).splitlines()]
    assert rows[1:] == [
        ["3", "shelved", "2026-11-23T10:00:00Z", "densenet201", "2", "fp32,", "int8", "48", "photos", *test],
        ["2", "live", "2026-11-23T10:00:00Z", "densenet201", "2", "fp32", "-", "-"],
        ["1", "before", "?", "?", "?", "?", "-", "-"],
    ]


def test_versions_table_of_a_starter_reads_its_card(starter_model: Path) -> None:
    """An export leaves its card where the list finds it."""
    assert "efficientnet_lite2  118" in versions_table(starter_model)
