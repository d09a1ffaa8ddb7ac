from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from model_serving.data import download as module
from model_serving.data.download import Archive, download
from model_serving.errors import DownloadError


@dataclass
class Shop:
    """A file server on this machine that can break connections off, and remembers what was asked of it."""

    content: bytes
    url: str = ""
    tag: str = '"first"'
    breaks_after: list[int] = field(default_factory=list)  # bytes, one entry a connection
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop(zipped({"dogs/001.Akita/a.jpg": os.urandom(200_000), "dogs/002.Borzoi/b.jpg": b"b" * 1000}))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.ranges.append(self.headers.get("Range"))
            if shop.status != 200:
                return self.send_error(shop.status)
            start, body = 0, shop.content
            if self.headers.get("Range") and self.headers.get("If-Range") == shop.tag:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(body)}")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("ETag", shop.tag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = start + shop.breaks_after.pop(0) if shop.breaks_after else len(body)
            self.wfile.write(body[start:end])
            return None

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(module, "CHUNK_BYTES", 4096)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/dogs.zip"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_download_archive_gives_class_folders(shop: Shop, tmp_path: Path) -> None:
    """The class folders of the archive stand in the folder asked for, and nothing else is left beside it."""
    download(Archive(shop.url, len(shop.content), hashlib.sha256(shop.content).hexdigest()), tmp_path / "dogs")
    assert sorted(path.name for path in (tmp_path / "dogs").iterdir() if not path.name.startswith(".")) == [
        "001.Akita",
        "002.Borzoi",
    ]
    assert (tmp_path / "dogs/002.Borzoi/b.jpg").read_bytes() == b"b" * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["dogs"]


def test_download_again_asks_nobody(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run changes nothing and says that the photos are there."""
    download(Archive(shop.url), tmp_path / "dogs")
    download(Archive(shop.url), tmp_path / "dogs")
    assert len(shop.ranges) == 1
    assert "there already" in capsys.readouterr().out


def test_broken_connections_fetch_no_byte_twice(shop: Shop, tmp_path: Path) -> None:
    """However often the connection breaks off, the download goes on where it was."""
    shop.breaks_after = [50_000, 20_000, 1]
    download(Archive(shop.url, sha256=hashlib.sha256(shop.content).hexdigest()), tmp_path / "dogs")
    assert shop.ranges == [None, "bytes=50000-", "bytes=70000-", "bytes=70001-"]


def test_server_without_end_is_given_up_and_taken_up_again(shop: Shop, tmp_path: Path) -> None:
    """A server that never gets further ends the run with what to do; the next run fetches only what is missing."""
    shop.breaks_after = [50_000] + [0] * module.TRIES
    with pytest.raises(DownloadError, match="Run the command again"):
        download(Archive(shop.url), tmp_path / "dogs")
    assert not (tmp_path / "dogs").exists()
    shop.ranges.clear()
    download(Archive(shop.url), tmp_path / "dogs")
    assert shop.ranges == ["bytes=50000-"]


def test_archive_changed_meanwhile_is_fetched_anew(shop: Shop, tmp_path: Path) -> None:
    """Halves of two archives are never put together."""
    shop.breaks_after = [50_000] + [0] * module.TRIES
    with pytest.raises(DownloadError):
        download(Archive(shop.url), tmp_path / "dogs")
    shop.content, shop.tag = zipped({"new/Akita/a.jpg": b"new"}), '"second"'
    download(Archive(shop.url), tmp_path / "dogs")
    assert (tmp_path / "dogs/Akita/a.jpg").read_bytes() == b"new"


def test_archive_of_another_address_is_fetched_anew(shop: Shop, tmp_path: Path) -> None:
    """The rest of an interrupted download is not taken for the beginning of another archive, whatever its tag."""
    shop.breaks_after = [50_000] + [0] * module.TRIES
    with pytest.raises(DownloadError):
        download(Archive(shop.url), tmp_path / "dogs")
    shop.content = zipped({"new/Akita/a.jpg": b"new"})
    shop.ranges.clear()
    download(Archive(f"{shop.url}?other"), tmp_path / "dogs")
    assert shop.ranges == [None]
    assert (tmp_path / "dogs/Akita/a.jpg").read_bytes() == b"new"


def test_download_with_another_digest_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Photos that are there already are not passed off as those of another digest."""
    download(Archive(shop.url), tmp_path / "dogs")
    with pytest.raises(DownloadError, match="not this archive"):
        download(Archive(shop.url, sha256="0" * 64), tmp_path / "dogs")


def test_address_of_another_kind_is_told(tmp_path: Path) -> None:
    """A file name in place of an address is one clear line."""
    with pytest.raises(DownloadError, match="no address"):
        download(Archive("dogs.zip"), tmp_path / "dogs")


def test_unpacking_interrupted_fetches_nothing_again(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ended while it unpacked is repeated from the file that is here."""

    def interrupt(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "unpack", interrupt)
        with pytest.raises(KeyboardInterrupt):
            download(Archive(shop.url), tmp_path / "dogs")
    assert not (tmp_path / "dogs").exists()
    download(Archive(shop.url), tmp_path / "dogs")
    assert shop.ranges == [None, f"bytes={len(shop.content)}-"]
    assert (tmp_path / "dogs/001.Akita/a.jpg").stat().st_size == 200_000


@pytest.mark.parametrize(
    ("wrong", "said"), [({"sha256": "0" * 64}, "SHA-256"), ({"size": 5}, "bytes instead of 5")], ids=["digest", "size"]
)
def test_wrong_archive_is_removed(shop: Shop, tmp_path: Path, wrong: dict, said: str) -> None:
    """A file that is not the archive asked for is never unpacked, and does not stand in the way of a second try."""
    with pytest.raises(DownloadError, match=said):
        download(Archive(shop.url, **wrong), tmp_path / "dogs")
    assert list(tmp_path.iterdir()) == []


def test_missing_archive_is_not_asked_for_again(shop: Shop, tmp_path: Path) -> None:
    """An address that does not exist is told at once."""
    shop.status = 404
    with pytest.raises(DownloadError, match="404"):
        download(Archive(shop.url), tmp_path / "dogs")
    assert len(shop.ranges) == 1


def test_folder_of_somebody_else_is_left_alone(shop: Shop, tmp_path: Path) -> None:
    """A folder that was not made by this download is never written to."""
    (tmp_path / "dogs").mkdir()
    (tmp_path / "dogs/mine.txt").write_text("mine")
    with pytest.raises(DownloadError, match="another folder"):
        download(Archive(shop.url), tmp_path / "dogs")
    assert [path.name for path in (tmp_path / "dogs").iterdir()] == ["mine.txt"]
    assert shop.ranges == []
