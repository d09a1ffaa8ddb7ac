from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model_serving.errors import ScoringError
from model_serving.scoring.sorting import require_outside, sort_into


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("a/1.jpg", "b/1.jpg", "cat.jpg", "broken.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


ROWS: list[dict[str, Any]] = [
    {"file": "a/1.jpg", "breed": "Akita", "is_dog": True, "error": None},
    {"file": "b/1.jpg", "breed": "Akita", "is_dog": None, "error": None},
    {"file": "cat.jpg", "breed": "Pug", "is_dog": False, "error": None},
    {"file": "broken.jpg", "error": "no photo"},
]


@pytest.mark.parametrize("copy", [True, False])
def test_sort_into_keeps_every_original(photos: Path, tmp_path: Path, copy: bool) -> None:
    """Photos of one name do not meet, and the originals stay where and what they were."""
    assert sort_into(photos, tmp_path / "sorted", ROWS, copy) == 3
    sorted_files = {
        str(path.relative_to(tmp_path / "sorted")): path.read_text()
        for path in (tmp_path / "sorted").rglob("*")
        if path.is_file()
    }
    assert sorted_files == {
        "Akita/a/1.jpg": "a/1.jpg",
        "Akita/b/1.jpg": "b/1.jpg",
        "not a dog/cat.jpg": "cat.jpg",
    }
    assert (tmp_path / "sorted/Akita/a/1.jpg").is_symlink() is not copy
    assert sorted(path.read_text() for path in photos.rglob("*.jpg")) == ["a/1.jpg", "b/1.jpg", "broken.jpg", "cat.jpg"]


def test_sort_into_again_changes_nothing(photos: Path, tmp_path: Path) -> None:
    """A file that is in its place already is left as it is, whatever has been done to it."""
    sort_into(photos, tmp_path / "sorted", ROWS, copy=True)
    (tmp_path / "sorted/Akita/a/1.jpg").write_text("edited")
    sort_into(photos, tmp_path / "sorted", ROWS, copy=True)
    assert (tmp_path / "sorted/Akita/a/1.jpg").read_text() == "edited"


def test_sort_into_after_an_interruption_completes_the_copy(photos: Path, tmp_path: Path) -> None:
    """Half a copy that a kill has left is not taken for the photo."""
    target = tmp_path / "sorted/Akita/a"
    target.mkdir(parents=True)
    (target / ".1.jpg.part").write_text("a")
    sort_into(photos, tmp_path / "sorted", ROWS, copy=True)
    assert (target / "1.jpg").read_text() == "a/1.jpg"
    assert not (target / ".1.jpg.part").exists()


def test_sort_into_full_or_forbidden_folder_says_so(photos: Path, tmp_path: Path) -> None:
    """A file that cannot be written is one error with its path, not a traceback."""
    (tmp_path / "sorted").write_text("a file")
    with pytest.raises(ScoringError, match="cannot be written"):
        sort_into(photos, tmp_path / "sorted", ROWS, copy=True)


def test_sort_into_hostile_breed_stays_inside(photos: Path, tmp_path: Path) -> None:
    """A breed's name that would lead out of the folder does not."""
    sort_into(photos, tmp_path / "sorted", [{**ROWS[0], "breed": "../../out"}], copy=True)
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("photos", "sorted")] == []


def test_check_folder_among_the_photos_is_refused(photos: Path) -> None:
    """Sorted photos never become photos to score."""
    with pytest.raises(ScoringError, match="outside"):
        require_outside(photos, photos / "sorted")
