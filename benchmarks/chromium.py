"""Debian's chromium without what a test driver turns on in it, so that its memory is what a user's browser takes.

Playwright has DevTools watch the network for as long as it drives, and DevTools keeps what was sent. Here commands come
over a pipe, and none but those that a benchmark names (https://chromedevtools.github.io/devtools-protocol).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,900"),
    *("--no-startup-window", "--remote-debugging-pipe"),
]
POLL_SECONDS = 0.5
SAMPLE_SECONDS = 0.25


class Tab:
    """The one tab of a browser."""

    def __init__(self, commands: BinaryIO, replies: BufferedReader) -> None:
        self._commands = commands
        self._replies = replies
        self._heard = bytearray()  # of the replies, what was not read yet
        self._events: list[dict[str, Any]] = []
        self._last = 0
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command; raises `RuntimeError` if it fails."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._events.clear()
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            reply = self._read()
            if reply.get("id") == self._last:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']['message']}")
                return dict(reply["result"])

    def wait_for_event(self, method: str) -> dict[str, Any]:
        """Return the parameters of the next event of this name that comes after the last command was sent."""
        while True:
            for event in self._events:
                if event["method"] == method:
                    return dict(event["params"])
            self._read()

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise it gives."""
        said = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise RuntimeError(said["exceptionDetails"]["exception"].get("description", expression))
        return said["result"].get("value")

    def wait_for(self, expression: str, seconds: float, every: float = POLL_SECONDS) -> None:
        """Return once a JavaScript expression is true; raises `TimeoutError` if it is not in so many seconds."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:.0f} s: {expression}")
            time.sleep(every)

    def choose_files(self, selector: str, files: Sequence[Path]) -> None:
        """Choose files in the input that a CSS selector finds."""
        found = self.send("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        names = [str(file) for file in files]
        self.send("DOM.setFileInputFiles", files=names, objectId=found["result"]["objectId"])

    def click(self, selector: str) -> None:
        """Press the middle of what a CSS selector finds, as a mouse does."""
        middle = "(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
        x, y = self.evaluate(f"{middle}(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def metric(self, name: str) -> float:
        """Return one of DevTools' metrics of the page, such as `ScriptDuration`, in seconds of CPU."""
        self.send("Performance.enable", timeDomain="threadTicks")
        metrics = self.send("Performance.getMetrics")["metrics"]
        return next(float(metric["value"]) for metric in metrics if metric["name"] == name)

    def _read(self) -> dict[str, Any]:
        while (end := self._heard.find(b"\0")) < 0:
            part = self._replies.read1()
            if not part:
                raise RuntimeError("the browser has ended")
            self._heard += part
        message = dict(json.loads(self._heard[:end]))
        del self._heard[: end + 1]
        if "method" in message:
            self._events.append(message)
        return message


@contextmanager
def chromium_at(url: str) -> Iterator[Tab]:
    """Run chromium with one tab at `url`, with nothing kept from before, until the block ends."""
    program = shutil.which("chromium")
    if not program:
        raise FileNotFoundError("chromium is not installed")
    to_browser, commands = os.pipe()
    replies, from_browser = os.pipe()
    # The browser reads commands from descriptor 3 and writes replies to 4, which may be taken by these very pipes.
    shell = f'exec 10<&{to_browser} 11>&{from_browser}; exec "$@" 3<&10 4>&11 10<&- 11>&-'
    command = ["bash", "-c", shell, "bash", program, *FLAGS]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}"],
            stdout=nowhere,
            stderr=nowhere,
            pass_fds=(to_browser, from_browser),
        )
        os.close(to_browser)
        os.close(from_browser)
        with os.fdopen(commands, "wb") as writer, os.fdopen(replies, "rb") as reader:
            try:
                tab = Tab(writer, reader)
                tab.send("Page.navigate", url=url)
                yield tab
            finally:
                process.terminate()
                process.wait()


@contextmanager
def memory_samples() -> Iterator[list[float]]:
    """Yield a list that gets the browser's memory several times a second until the block ends."""
    samples = [browser_megabytes()]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_SECONDS):
            samples.append(browser_megabytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def browser_megabytes() -> float:
    """Return the memory of all processes of this one's browser, what they share counted once (Linux).

    Its program's own files are left out, for another browser on the machine may have a part in them.
    """
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, fields = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = (int(fields.split()[1]), name)
    ours = [pid for pid, (_, name) in parents.items() if name.startswith("chrom") and _descends(pid, parents)]
    return sum(map(_proportional_megabytes, ours))


def _descends(pid: int, parents: dict[int, tuple[int, str]]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid][0]
    return pid == os.getpid()


def _proportional_megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
