"""Nothing of a photo is kept: a real gateway's every opening of a file is watched, and so are its folders."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.photo_kinds import encode

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads a process's open files from /proc")

REPOSITORY = Path(__file__).parents[2]

# Python tells of every file that it opens, makes or renames; what its libraries do is seen in the folders.
WATCHED = """
import os, sys

CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "tempfile.mkstemp", "tempfile.mkdtemp"}

def watch(event, arguments):
    changes = event in CHANGES
    if event == "open":
        _, mode, flags = arguments
        changes = bool(set(mode or "") & set("wxa+")) or bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if changes and arguments[0] != os.devnull:
        os.write(2, f"WROTE {event} {arguments[0]}\\n".encode())

sys.addaudithook(watch)
from detector_api.__main__ import main
main()
"""


class Gateway:
    """A running gateway: its client, and what it wrote so far."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client, home: Path) -> None:
        self.client, self.home = client, home
        self._pid = process.pid
        self._process = process

    def stop(self) -> list[str]:
        """End the gateway and return what it told of files written."""
        self._process.send_signal(signal.SIGINT)
        _, told = self._process.communicate(timeout=60)
        return re.findall(r"^WROTE .*", told, re.MULTILINE)

    def written_files(self) -> list[str]:
        """Return the files that the process has open for writing, those too that have no name any more."""
        found = []
        for link in Path(f"/proc/{self._pid}/fd").iterdir():
            try:
                target = str(link.readlink())
                flags = re.search(r"flags:\s+(\d+)", Path(f"/proc/{self._pid}/fdinfo/{link.name}").read_text())
            except FileNotFoundError:
                continue  # closed meanwhile
            writes = flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY
            if writes and target.startswith("/") and not target.startswith("/dev/"):
                found.append(target)
        return found

    def files(self) -> list[Path]:
        """Return all that is in the folders that the process calls its own."""
        return sorted(path for path in self.home.rglob("*") if path.is_file())


@contextmanager
def watched_gateway(home: Path, serving: Any, **settings: str) -> Iterator[Gateway]:
    """Run a gateway whose working, temporary and home folders are below `home`."""
    for name in ("tmp", "work", "feedback"):
        (home / name).mkdir()
    environment = os.environ | settings
    environment |= {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONPATH": str(REPOSITORY), "DETECTOR_PORT": "0", "DETECTOR_SERVING_ADDRESS": serving.address}
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED],
        cwd=home / "work",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = next(m[0] for line in process.stdout if (m := re.search(r"http://[\d.:]+", line)))
        # Read on, or the gateway would wait with its log.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        with httpx.Client(base_url=address, timeout=60) as client:
            yield Gateway(process, client, home)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def large_photo() -> bytes:
    """A photo above 1 MB, from which size on a form parser would use a file."""
    noise = Image.frombytes("RGB", (900, 700), random.Random(0).randbytes(900 * 700 * 3))
    photo = encode(noise, "PNG")
    assert len(photo) > 1_500_000
    return photo


def ask_everything(gateway: Gateway, photo: bytes, keep: bool | None) -> list[tuple[str, int]]:
    """Send all that brings a photo, right and wrong; return the answers' statuses."""
    client, answers = gateway.client, []

    def ask(name: str, path: str, *photos: bytes, **query: Any) -> None:
        files = [("dog_image", (f"dog{number}.png", one, "image/png")) for number, one in enumerate(photos)]
        status = client.post(f"/api/v1/{path}", params=query, files=files).status_code
        answers.append((name, status))
        assert gateway.written_files() == []

    said = {} if keep is None else {"keep": keep}
    ask("one", "predict_breed", photo)
    ask("explained", "predict_breed", photo, explain=True)
    ask("damaged", "predict_breed", photo[: len(photo) // 2])
    ask("many", "predict_breeds", photo, photo[:100_000], photo)
    ask("feedback", "feedback", photo, breed="Akita", **said)
    ask("feedback of another breed", "feedback", photo, breed="Cat", keep=True)
    ask("damaged feedback", "feedback", photo[: len(photo) // 2], breed="Akita", keep=True)
    break_off(client, "/api/v1/predict_breed", photo)
    break_off(client, "/api/v1/feedback?breed=Akita&keep=true", photo)
    ask("one more", "predict_breed", photo)
    return answers


def break_off(client: httpx.Client, path: str, photo: bytes) -> None:
    """Send the most of a photo, and go away."""
    head = b'--b\r\nContent-Disposition: form-data; name="dog_image"; filename="dog.png"\r\n\r\n'
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=60) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(photo) + 1000}\r\n\r\n".encode()
        )
        connection.sendall(head + photo)


def test_gateway_without_feedback_writes_no_file(tmp_path: Path, serving: Any, large_photo: bytes) -> None:
    """By default no file is opened for writing, none is left, whatever is asked and however it ends."""
    with watched_gateway(tmp_path, serving) as gateway:
        answers = ask_everything(gateway, large_photo, keep=True)
        told = gateway.stop()
        assert dict(answers) == {
            "one": 200,
            "explained": 200,
            "damaged": 422,
            "many": 200,
            "feedback": 404,
            "feedback of another breed": 404,
            "damaged feedback": 404,
            "one more": 200,
        }
        assert told == []
        assert gateway.files() == []


@pytest.mark.parametrize("keep", [None, False])
def test_gateway_with_feedback_writes_only_what_was_agreed_to(
    tmp_path: Path, serving: Any, large_photo: bytes, keep: bool | None
) -> None:
    """With a folder for photos, those that their senders agreed to are kept: one file, and nothing else is written."""
    folder = tmp_path / "feedback"
    with watched_gateway(tmp_path, serving, DETECTOR_FEEDBACK_FOLDER=str(folder)) as gateway:
        answers = dict(ask_everything(gateway, large_photo, keep))
        assert (answers["feedback"], answers["feedback of another breed"], answers["damaged feedback"]) == (422,) * 3
        assert gateway.files() == []
        query = {"breed": "Akita", "keep": True}
        reply = gateway.client.post("/api/v1/feedback", params=query, files={"dog_image": large_photo}).json()
        told = gateway.stop()
        assert gateway.files() == [folder / "Akita" / f"{reply['id']}.jpg"]
        # This shows as well that the watch sees what is written.
        assert [line.split()[1] for line in told] == ["os.mkdir", "open", "os.rename"]
        assert all(str(folder / "Akita") in line for line in told)
