"""Photos among files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_serving.data.files import photos_below


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to read everything for the time of the block; other users have none."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_photos_below_are_found_at_any_depth_in_order(tmp_path: Path) -> None:
    """Photos in folders of folders are found; hidden files, hidden folders and other files are not."""
    for name in ("b/c/2.JPG", "a/1.png", "a/notes.txt", "a/._1.png", ".hidden/3.jpg", "d.jpg/4.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in photos_below(tmp_path)] == [
        "a/1.png",
        "b/c/2.JPG",
        "d.jpg/4.webp",
    ]


def test_photos_below_names_a_link_to_nowhere(tmp_path: Path) -> None:
    """A photo whose disk is not there is named, for whoever reads it to say so."""
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    assert photos_below(tmp_path) == [tmp_path / "gone.jpg"]


def test_photos_below_an_unreadable_folder_is_an_error(tmp_path: Path) -> None:
    """The photos of a folder that may not be listed are not missed in silence."""
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir(mode=0)
    for folder in (*tmp_path.parents, tmp_path):
        if folder.name.startswith(("pytest", tmp_path.name)):
            folder.chmod(0o755)
    with pytest.raises(PermissionError, match="closed"), as_nobody():
        photos_below(tmp_path)
