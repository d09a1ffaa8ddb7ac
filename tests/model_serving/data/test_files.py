"""Photos among files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_serving.data.files import photos_below, read_file


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
        if folder.name.startswith(("pytest", "popen", tmp_path.name)):
            folder.chmod(0o755)
    with pytest.raises(PermissionError, match="closed"), as_nobody():
        photos_below(tmp_path)


def test_photos_below_without_an_ending_are_known_by_their_content(tmp_path: Path) -> None:
    """A photo that lost its ending is found, and nothing else is taken for one."""
    (tmp_path / "IMG_0042").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "Rex, 3.10.").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "Mr. Pug").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    (tmp_path / "README").write_text("photos of pugs")
    (tmp_path / "raw.nef").write_bytes(b"II*\0")  # another type, by its ending
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    assert [path.name for path in photos_below(tmp_path)] == ["IMG_0042", "Mr. Pug", "Rex, 3.10."]


@pytest.mark.parametrize("suffix", [".jpg", ""])
def test_photos_below_with_pipes_never_wait(tmp_path: Path, suffix: str) -> None:
    """A pipe that nobody writes into keeps nobody waiting, and reading it is an error at once."""
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    for path in photos_below(tmp_path):
        with pytest.raises(OSError, match="no photo"):
            read_file(path)
    assert (tmp_path / "device.jpg") in photos_below(tmp_path)


def test_photos_below_follows_links_once(tmp_path: Path) -> None:
    """Folders that are linked are read, and loops of links end."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.jpg").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pug").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "self").symlink_to("self")
    assert [path.name for path in photos_below(tmp_path / "data")] == ["1.jpg"]


def test_photos_below_leaves_out_what_computers_add(tmp_path: Path) -> None:
    """Folders of previews and of a Mac's attributes hold no photos of anybody."""
    for name in ("__MACOSX/1.jpg", "@eaDir/2.jpg", "pug/3.jpg", "pug/.AppleDouble/4.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in photos_below(tmp_path)] == ["3.jpg"]
