"""Download of an archive of labelled photos: resumed where it broke off, verified, unpacked, put in place whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from model_serving.data.unpack import unpack
from model_serving.errors import DownloadError
from model_serving.progress import progress

CHUNK_BYTES = 1 << 20
# A connection that says nothing for so long counts as broken, and is taken up again this often without any progress.
STALL_SECONDS = 30
TRIES = 5
RETRY_SECONDS = 2.0

_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416
_LOST = (OSError, HTTPException)  # what a connection that breaks raises; urllib's errors are OSErrors


@dataclass(frozen=True)
class Archive:
    """A zip file of class folders; size in bytes and SHA-256 in hexadecimal digits are checked where they are known."""

    url: str
    size: int | None = None
    sha256: str | None = None


# Udacity's dogImages: 133 breeds, 6,680 photos to train on, 835 to validate, 836 to test; 1.1 GB. There is no published
# checksum: it is held to the size that its server tells, and each photo to its own checksum in the zip file.
REFERENCE = Archive("https://s3-us-west-1.amazonaws.com/udacity-aind/dog-project/dogImages.zip")


def download(archive: Archive, folder: Path) -> None:
    """Make `folder` hold the content of `archive`; if it does already, do nothing.

    What was fetched before an interruption is kept beside the folder and not fetched again. Raises `DownloadError` if
    the archive cannot be had, is not what was asked for, or would overwrite something; the folder is then not there.
    """
    source = folder / ".source.json"
    if folder.exists():
        known = json.loads(source.read_text()) if source.is_file() else {}
        if known.get("url") == archive.url and archive.sha256 in (None, known["sha256"]):
            print(f"{folder} is there already")
            return
        raise DownloadError(f"{str(folder)!r} is there already and is not this archive. Name another folder.")
    if not archive.url.startswith(("http://", "https://")):
        raise DownloadError(f"{archive.url!r} is no address of a zip file: it must begin with https:// or http://.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.with_name(f".{folder.name}.zip.part")
    _fetch(archive, file)
    digest = _verify(archive, file)
    incoming = folder.with_name(f".{folder.name}.incoming")
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        content = unpack(file, incoming)
        (content / source.name).write_text(json.dumps({"url": archive.url, "sha256": digest}))
        content.rename(folder)
    except OSError as error:
        raise DownloadError(f"The photos cannot be written to {str(folder)!r}: {error.strerror}.") from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    _forget(file)


def _fetch(archive: Archive, file: Path) -> None:
    """Append to `file` what it lacks of the archive, over as many connections as it takes."""
    left = TRIES
    while left:
        before = _size(file)
        try:
            if _fetch_once(archive, file):
                return
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code < 500:  # asking again will not help
                raise DownloadError(f"{archive.url} cannot be fetched: {error.code} {error.reason}.") from error
            reason = f"{error.code} {error.reason}"
        except _LOST as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        left = TRIES if _size(file) > before else left - 1
        if left:
            time.sleep(RETRY_SECONDS)
    raise DownloadError(f"{archive.url} cannot be fetched: {reason}. Run the command again to go on.")


def _fetch_once(archive: Archive, file: Path) -> bool:
    """Fetch over one connection; return whether the file is whole."""
    done, tag = _size(file), _tag(archive, file)
    headers = {}
    if done and tag:
        # If the archive has changed meanwhile, the server sends the new one from its beginning.
        headers = {"Range": f"bytes={done}-", "If-Range": tag}
    try:
        response = urllib.request.urlopen(urllib.request.Request(archive.url, headers=headers), timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and done:
            if error.headers.get("Content-Range") == f"bytes */{done}":
                return True
            _forget(file)  # what is here belongs to another archive
            return False
        raise
    with response:
        if response.status != _PARTIAL_CONTENT:
            _forget(file)
            done = 0
            # Without a tag there is nothing to tell an archive from its successor by: it cannot be taken up again.
            tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            _tag_file(file).write_text(json.dumps({"url": archive.url, "tag": tag}))
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            _forget(file)
            return False
        return _append(response, file, done)


def _append(response: HTTPResponse, file: Path, done: int) -> bool:
    length = response.headers.get("Content-Length")
    total = done + int(length) if length else 0
    with (
        file.open("ab" if done else "wb") as sink,
        progress(total, "download", "B", done=done) as bar,
    ):
        while chunk := response.read(CHUNK_BYTES):
            sink.write(chunk)
            done += len(chunk)
            bar.update(len(chunk))
    return not length or done == total


def _verify(archive: Archive, file: Path) -> str:
    """Return the file's SHA-256; if it is not the one expected, remove the file and raise `DownloadError`."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if archive.size not in (None, _size(file)):
        reason = f"has {_size(file)} bytes instead of {archive.size}"
    elif archive.sha256 not in (None, digest):
        reason = f"has the SHA-256 {digest} instead of {archive.sha256}"
    else:
        return digest
    _forget(file)
    raise DownloadError(f"{archive.url} {reason}. It was removed; run the command again, or check the address.")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _tag(archive: Archive, file: Path) -> str:
    """Return the tag of what is here of the archive, empty if it has none or is of another address."""
    known = json.loads(_tag_file(file).read_text()) if _tag_file(file).exists() else {}
    return known["tag"] if known.get("url") == archive.url else ""


def _tag_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.tag")


def _forget(file: Path) -> None:
    file.unlink(missing_ok=True)
    _tag_file(file).unlink(missing_ok=True)
