"""Labels of photos: how many an answer names, and how their names are compared."""

from __future__ import annotations

import re

# An answer names this many classes, the likeliest first.
TOP_K = 5


def label_key(name: str) -> str:
    """Reduce a class name to what its spellings share: its letters and digits, in lower case."""
    return re.sub(r"[\W_]+", "", name.casefold())
