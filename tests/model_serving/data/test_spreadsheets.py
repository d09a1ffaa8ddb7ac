"""Words for spreadsheets: as they are written, and never run."""

from __future__ import annotations

import pytest

from model_serving.data.spreadsheets import as_written, without_formula


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1", "'=1", "'", "it's", "pug", ""])
def test_word_comes_back_as_it_was(word: str) -> None:
    """Every word, also one that begins with an apostrophe of its own, is read as it was written."""
    assert as_written(without_formula(word)) == word


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"])
def test_formula_begins_with_an_apostrophe(word: str) -> None:
    """A word that a spreadsheet would run is text for it."""
    assert without_formula(word) == f"'{word}"
