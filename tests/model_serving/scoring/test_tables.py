from __future__ import annotations

from pathlib import Path

import pytest

from model_serving.errors import ScoringError
from model_serving.scoring.tables import require_writable


def test_check_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    """A file name that tells no format is refused before the work, with those that do."""
    with pytest.raises(ScoringError, match=r"\.csv, \.ndjson, \.parquet"):
        require_writable(tmp_path / "scores.xlsx")


def test_check_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Yesterday's answers are safe."""
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(ScoringError, match="there already"):
        require_writable(tmp_path / "scores.csv")
