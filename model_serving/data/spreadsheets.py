"""Words in CSV files that spreadsheets open: none is run as a formula."""

from __future__ import annotations

import re

# What a spreadsheet would take for a formula. With an apostrophe before it, it is text.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")


def without_formula(word: str) -> str:
    """Return a word as a spreadsheet shows it and does not run it."""
    return f"'{word}" if _FORMULA.match(word) else word


def as_written(cell: str) -> str:
    """Return the word that `without_formula` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
