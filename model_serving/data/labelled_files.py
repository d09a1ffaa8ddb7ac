"""Photos' files with their labels, as the readers of folders and of lists return them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from model_serving.photos.labels import readable_classes

# Names that people give to the parts of a data set, in small letters.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}


@dataclass(frozen=True)
class LabelledFile:
    """A photo's file with its label as it is written; its split and the folders above its class, where it has them."""

    path: Path
    label: str
    split: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelledFiles:
    """The files of a data set; class folders without any photo; and what was left out, a line each."""

    files: Sequence[LabelledFile]
    empty: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    @cached_property
    def names(self) -> dict[str, str]:
        """Readable class names by label."""
        return readable_classes(file.label for file in self.files)
