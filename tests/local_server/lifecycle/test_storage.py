"""Versions on disk are folders with numbers for names."""

from __future__ import annotations

import pytest

from local_server.errors import InvalidArgumentError
from local_server.lifecycle.storage import versions_in


def test_versions_are_folders_named_by_numbers(tmp_path):
    """Leading zeros do not count; files, hidden folders and numbers that no version can have are passed over."""
    for name in ("00000123", "7", ".8", "9.tmp", "-1", str(2**63)):
        (tmp_path / name).mkdir()
    (tmp_path / "10").touch()
    assert versions_in(tmp_path) == {123: tmp_path / "00000123", 7: tmp_path / "7"}


def test_missing_base_path_is_told(tmp_path):
    """A base path that is not there is an error, not a model without versions."""
    with pytest.raises(InvalidArgumentError, match=r"Could not find base path .*: No such file or directory"):
        versions_in(tmp_path / "none")


def test_base_path_that_no_system_call_takes_is_told(tmp_path):
    """So is one that cannot even be asked for."""
    with pytest.raises(InvalidArgumentError, match=r"Could not find base path .*: embedded null"):
        versions_in(tmp_path / "a\0b")


def test_version_that_cannot_be_looked_at_is_told(tmp_path):
    """A folder whose entries cannot be asked what they are, as on a broken network volume, is an error too."""
    (tmp_path / "1").symlink_to("a" * 300)
    with pytest.raises(InvalidArgumentError, match=r"Could not find base path .*: File name too long"):
        versions_in(tmp_path)
