"""Unpacking of zip files that nobody vouches for."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from model_serving.data.files import is_litter
from model_serving.errors import DownloadError
from model_serving.progress import progress

# Photos are compressed already: an archive of them that grows tenfold holds something else.
MAX_GROWTH = 10
MAX_MEMBERS = 1_000_000
# Where a zip file that is given as a data set is unpacked, in a folder named after it and its content.
UNPACKED = Path("build/unpacked")


def unpacked(source: Path) -> Path:
    """Return `source`, or the folder with its content if it is a zip file: unpacked once, and found again later.

    Raises `DownloadError` as `unpack` does.
    """
    if not source.is_file() or not (source.suffix.lower() == ".zip" or zipfile.is_zipfile(source)):
        return source
    try:
        with zipfile.ZipFile(source) as archive:
            lines = sorted(f"{member.filename} {member.CRC} {member.file_size}" for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{str(source)!r} is no sound zip file: {error}. Make or fetch it again.") from error
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    folder = UNPACKED / f"{source.stem[:100]}-{digest}"
    if not folder.exists():
        UNPACKED.mkdir(parents=True, exist_ok=True)
        incoming = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            unpack(source, incoming)
            incoming.rename(folder)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        print(f"unpacked into {folder}")
    return _content(folder)


def unpack(file: Path, folder: Path) -> Path:
    """Unpack a zip file into the new `folder`; return it, or the one folder in it that holds everything.

    Raises `DownloadError`, before anything is written, if a member would land outside the folder, is a link or
    encrypted, or if all together are far larger than the file or than the disk has room for; and also if a member is
    damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive.infolist(), file, folder)
            members = [member for member in archive.infolist() if not any(map(is_litter, _parts(member)))]
            folder.mkdir(parents=True)
            with progress(len(members), "unpack", "file") as bar:
                for member in members:
                    # Never more than the size that was checked: a member that goes on beyond it is damaged.
                    archive.extract(member, folder)
                    bar.update()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DownloadError(f"{str(file)!r} is no sound zip file: {error}. Remove it and fetch it again.") from error
    return _content(folder)


def _content(folder: Path) -> Path:
    """Return the one folder in `folder` if that holds everything, else `folder` itself."""
    children = list(folder.iterdir())
    return children[0] if len(children) == 1 and children[0].is_dir() else folder


def _check(members: list[zipfile.ZipInfo], file: Path, folder: Path) -> None:
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise DownloadError(f"{str(file)!r} is refused: its member {member.filename!r} leads out of the folder.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DownloadError(f"{str(file)!r} is refused: its member {member.filename!r} is a link.")
        if member.flag_bits & 0x1:
            raise DownloadError(f"{str(file)!r} is refused: its member {member.filename!r} is encrypted.")
    size = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or size > MAX_GROWTH * file.stat().st_size:
        raise DownloadError(f"{str(file)!r} is refused: {len(members)} members of {size} bytes cannot be photos.")
    free = shutil.disk_usage(folder.parent).free
    if size > free:
        raise DownloadError(f"Unpacking {str(file)!r} takes {size} bytes and the disk has {free}. Make room.")


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename).parts
