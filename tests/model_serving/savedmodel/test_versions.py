"""Versions on disk."""

import errno
from pathlib import Path

import pytest

from model_serving.errors import ModelNotFoundError, StorageError
from model_serving.savedmodel.versions import latest_version, list_versions, make_hidden, version_path, write_version


def fill(folder: Path) -> None:
    (folder / "saved_model.pb").write_text("whole")


def test_write_version_takes_the_next_number_and_keeps_the_old(tmp_path: Path) -> None:
    """An export deletes nothing that was there, whatever its name."""
    for name in ("3", "00000007", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept").touch()
    assert write_version(tmp_path, fill) == tmp_path / "8"
    assert list_versions(tmp_path) == [3, 7, 8]
    assert all((tmp_path / name / "kept").exists() for name in ("3", "00000007", "notes"))


def test_write_version_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    """An export that breaks off leaves neither a version nor a hidden folder."""

    def fail(folder: Path) -> None:
        fill(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_version(tmp_path, fail)
    assert list(tmp_path.iterdir()) == []


def test_write_version_while_another_takes_the_number_takes_the_next(tmp_path: Path) -> None:
    """Two exports at once give two versions, both whole."""

    def overtaken(folder: Path) -> None:
        fill(folder)
        write_version(tmp_path, fill)

    assert write_version(tmp_path, overtaken) == tmp_path / "2"
    assert all((tmp_path / version / "saved_model.pb").read_text() == "whole" for version in "12")


def test_write_version_is_not_visible_before_it_is_whole(tmp_path: Path) -> None:
    """While an export writes, a watcher of the folder finds no version."""

    def look(folder: Path) -> None:
        fill(folder)
        assert list_versions(tmp_path) == []

    write_version(tmp_path, look)
    assert list_versions(tmp_path) == [1]


def test_latest_version_of_no_model_says_how_to_make_one(tmp_path: Path) -> None:
    """A person who has no model yet reads the command that makes one."""
    with pytest.raises(ModelNotFoundError, match="dog-breed export"):
        latest_version(tmp_path / "none")


def test_version_path_of_unknown_version_names_those_there_are(tmp_path: Path) -> None:
    """A wrong number is answered with the right ones."""
    (tmp_path / "0002").mkdir()
    assert version_path(tmp_path, 2) == tmp_path / "0002"
    with pytest.raises(ModelNotFoundError, match=r"no version 5; it has \[2\]"):
        version_path(tmp_path, 5)


def test_write_version_beside_a_file_with_a_number_takes_the_next(tmp_path: Path) -> None:
    """A plain file that somebody left under a version's number is neither overwritten nor waited for."""
    (tmp_path / "1").write_text("notes")
    assert write_version(tmp_path, fill) == tmp_path / "2"
    assert (tmp_path / "1").read_text() == "notes"


def test_write_version_clears_what_a_killed_one_left(tmp_path: Path) -> None:
    """The hidden folder of an export that was killed goes with the next one, and that of one at work stays."""

    def write(folder: Path) -> None:
        left = make_hidden(tmp_path)
        write_version(tmp_path, fill)
        assert not left.exists()
        fill(folder)

    assert write_version(tmp_path, write) == tmp_path / "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_write_version_to_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """A write that the disk refuses is told with what to do, and the version before stays."""

    def fail(folder: Path) -> None:
        fill(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    write_version(tmp_path, fill)
    with pytest.raises(StorageError, match=r"^No version can be written to '.*': No space left on device\. Make room"):
        write_version(tmp_path, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_write_version_under_a_file_is_one_line(tmp_path: Path) -> None:
    """A path that cannot be a folder is an error that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/model'"):
        write_version(tmp_path / "file" / "model", fill)
