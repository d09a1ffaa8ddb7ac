from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from model_serving.data.unpack import MAX_GROWTH, unpack
from model_serving.errors import DownloadError


def member(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    def make(*members: tuple[zipfile.ZipInfo, bytes]) -> Path:
        file = tmp_path / "photos.zip"
        with zipfile.ZipFile(file, "w") as archive:
            for info, content in members:
                archive.writestr(info, content)
        return file

    return make


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../out.jpg", 0o644),
        ("dogs/../../out.jpg", 0o644),
        ("/out.jpg", 0o644),
        ("..\\out.jpg", 0o644),
        ("c:/out.jpg", 0o644),
        ("dogs/link.jpg", 0o120777),
    ],
)
def test_member_outside_folder_unpacks_nothing(
    archive: Callable[..., Path], tmp_path: Path, name: str, mode: int
) -> None:
    """One member that leads out of the folder refuses the whole archive before a file is written."""
    file = archive((member("dogs/a.jpg"), b"a"), (member(name, mode), b"out"))
    with pytest.raises(DownloadError, match="refused"):
        unpack(file, tmp_path / "folder")
    assert {path.name for path in tmp_path.rglob("*")} == {"photos.zip"}


def test_bomb_unpacks_nothing(tmp_path: Path) -> None:
    """An archive that would grow far beyond what photos do is refused by its table of contents."""
    file = tmp_path / "photos.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dogs/a.jpg", bytes(1_000_000 * MAX_GROWTH))
    with pytest.raises(DownloadError, match="cannot be photos"):
        unpack(file, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_damaged_member_is_told(archive: Callable[..., Path], tmp_path: Path) -> None:
    """A byte that changed on the way is found by the member's checksum."""
    file = archive((member("dogs/a.jpg"), b"0123456789" * 10))
    file.write_bytes(file.read_bytes().replace(b"0123456789", b"0123456780", 1))
    with pytest.raises(DownloadError, match="no sound zip file"):
        unpack(file, tmp_path / "folder")


def test_other_file_is_told(tmp_path: Path) -> None:
    """A page that a server sent instead of the archive is not taken for one."""
    (tmp_path / "photos.zip").write_text("<html>")
    with pytest.raises(DownloadError, match="no sound zip file"):
        unpack(tmp_path / "photos.zip", tmp_path / "folder")


def test_litter_is_left_out(archive: Callable[..., Path], tmp_path: Path) -> None:
    """Files that a Mac adds to archives neither hide the one folder of photos nor land in it."""
    file = archive(
        (member("dogs/Akita/a.jpg"), b"a"), (member("__MACOSX/._dogs"), b"x"), (member("dogs/.DS_Store"), b"x")
    )
    folder = unpack(file, tmp_path / "folder")
    assert [str(path.relative_to(folder)) for path in folder.rglob("*")] == ["Akita", "Akita/a.jpg"]
