"""The page with hundreds of photos from a camera: memory, the main thread, time, and the bytes that leave the browser.

    .venv/bin/python -m benchmarks.page [--photos 500] [--few 50] [--tasks]

A real browser has the page of `dog-breed run` read photos of 12 megapixels: first a few, then all, each time in a
browser begun anew, and then clears them. Bounded memory shows in the ratio of the two. The few are also sent to the
gateway as they are, by as many senders as the page has, which tells what shrinking them in the browser costs on one
machine; over a network it pays. The model has random weights, which changes no speed.

With `--tasks` it tells instead of the main thread: the scripting for each photo, the long tasks while all are read, and
those after a few presses (open a card, table, another language, cards, choose one, clear all, undo), with the time from
press to paint.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chromium import Tab, browser_megabytes, chromium_at, memory_samples
from benchmarks.pictures import draw
from benchmarks.processes import free_port, running, wait_for_http
from benchmarks.stack import export_random, multipart
from benchmarks.tasks import told, traced

WIDTH, HEIGHT, BYTES = 4000, 3000, 2_900_000
DISTINCT = 6  # pictures; more files are the same under other names
SENDERS = 3  # as many as the page has
LONGEST_SECONDS = 1200
START_SECONDS = 30
SETTLE_SECONDS = 3  # until freed memory is the system's again

COUNT_BYTES = """globalThis.sentBytes = 0;
const append = FormData.prototype.append;
FormData.prototype.append = function (name, blob, ...rest) {
    globalThis.sentBytes += blob.size;
    return append.call(this, name, blob, ...rest);
};"""
WATCH = """globalThis.presses = [];
new PerformanceObserver((list) => presses.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "event", durationThreshold: 16 });"""
CARD, TABLE, CARDS, GERMAN = ".expand", "button[data-layout=table]", "button[data-layout=grid]", "#languages [lang=de]"
CHOICE, CLEAR, UNDO = ".card .choose input", "#progress [data-do=clear]", "#undo [data-do=undo]"
PRESSES = [CARD, TABLE, GERMAN, CARDS, CHOICE, CLEAR, UNDO]
GONE = """document.querySelector("#progress [data-do=clear]").click();
document.querySelector("#undo [data-do=dismiss]").click();"""
PAUSE_SECONDS = 1.5  # after each press


@dataclass
class Reading:
    """The browser's cost of reading photos; memory in MB."""

    seconds: float
    sent_bytes: int
    before: float
    peak: float
    after: float
    cleared: float  # with the photos and the chance to bring them back gone, and garbage collected


def main() -> None:
    """Draw the photos, start the product, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--few", type=int, default=50, help="photos to compare with (%(default)s)")
    parser.add_argument("--tasks", action="store_true", help="tell of the main thread, not of memory and bytes")
    parser.add_argument("--backbone", default="efficientnet_lite2")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        files = _draw_files(Path(folder), options.photos)
        model = export_random(options.backbone, Path(folder) / "dog_breed").parent
        port = free_port()
        command = [sys.executable, "-m", "dog_breed", "run", f"--model={model}", f"--port={port}"]
        with running([*command, f"--grpc-port={free_port()}", f"--rest-port={free_port()}"]):
            wait_for_http(f"http://127.0.0.1:{port}/readyz")
            if options.tasks:
                _tell_tasks(port, files)
            else:
                _tell_memory(port, files, options.few)


def _tell_memory(port: int, files: list[Path], count: int) -> None:
    """Print what photos take of memory, time and bytes, compared with so many of them."""
    few = _read(port, files[:count])
    as_they_are = _send(port, files[:count])
    many = _read(port, files)
    total = sum(file.stat().st_size for file in files)
    rate = len(files) / many.seconds
    print(
        f"{len(files)} photos of 12 megapixels: {many.seconds:.0f} s, {rate:.1f} a second, "
        f"{rate / as_they_are:.2f} of the rate of {count} sent as they are; "
        f"bytes sent: {many.sent_bytes / total:.3f} of the photos' {total / 1e6:.0f} MB"
    )
    each = (many.after - few.after) / (len(files) - count)
    print(
        f"browser: {many.before:.0f} MB before photos, at most {many.peak:.0f}, {many.after:.0f} afterwards, "
        f"{many.cleared:.0f} with all cleared; it grew {(many.peak - many.before) / (few.peak - few.before):.2f} times "
        f"as much as with {count} photos, by {each:.2f} MB for each photo more"
    )


def _tell_tasks(port: int, files: list[Path]) -> None:
    """Print what the page's main thread did while photos were read, and in answer to presses after that."""
    with _opened(port) as tab:
        tab.evaluate(WATCH)
        scripted = tab.metric("ScriptDuration")
        with traced(tab) as reading:
            _choose(tab, files)
            scripted = tab.metric("ScriptDuration") - scripted
            time.sleep(PAUSE_SECONDS)
        slowest = {}
        with traced(tab) as pressed:
            for selector in PRESSES:
                tab.evaluate("presses.length = 0")
                tab.click(selector)
                time.sleep(PAUSE_SECONDS)
                slowest[selector] = tab.evaluate("Math.max(0, ...presses)")
    print(f"{len(files)} photos: {scripted / len(files) * 1000:.1f} ms of scripting for each, of the main thread's CPU")
    print(f"while they are read: {told(reading)}")
    print(f"after {len(PRESSES)} presses: {told(pressed)}")
    said = ", ".join(f"{selector} {duration:.0f}" for selector, duration in slowest.items())
    print(f"from press to paint, in ms, none told below 16: {said}")


def _draw_files(folder: Path, count: int) -> list[Path]:
    pictures = []
    for seed in range(min(DISTINCT, count)):
        picture = folder / f"picture-{seed}.jpg"
        picture.write_bytes(draw(WIDTH, HEIGHT, BYTES, seed))
        pictures.append(picture)
    files = []
    for number in range(count):
        file = folder / f"photo-{number:04}.jpg"
        os.link(pictures[number % len(pictures)], file)
        files.append(file)
    return files


@contextmanager
def _opened(port: int) -> Iterator[Tab]:
    """Open the page in a browser begun anew, until its model has told of itself."""
    with chromium_at(f"http://127.0.0.1:{port}/") as tab:
        tab.wait_for("document.querySelector('#about-model:not(:empty)') !== null", START_SECONDS)
        yield tab


def _choose(tab: Tab, files: list[Path]) -> None:
    """Choose photos, and wait until all are read."""
    tab.choose_files("#photos", files)
    tab.wait_for(f"document.querySelectorAll('[data-status=read]').length === {len(files)}", LONGEST_SECONDS)


def _read(port: int, files: list[Path]) -> Reading:
    """Have the page read photos, and leave the browser."""
    with _opened(port) as tab:
        tab.evaluate(COUNT_BYTES)
        before = browser_megabytes()
        with memory_samples() as peak:
            start = time.perf_counter()
            _choose(tab, files)
            seconds = time.perf_counter() - start
        after = browser_megabytes()
        sent_bytes = tab.evaluate("sentBytes")
        tab.evaluate(GONE)
        time.sleep(SETTLE_SECONDS)  # for what still goes into the history
        tab.send("HeapProfiler.collectGarbage")
        time.sleep(SETTLE_SECONDS)
        return Reading(seconds, sent_bytes, before, max(peak), after, browser_megabytes())


def _send(port: int, files: list[Path]) -> float:
    """Return how many photos a second the gateway answers that come as they are."""
    bodies = [multipart(file.read_bytes()) for file in files[:DISTINCT]]

    def send(number: int) -> None:
        body, boundary = bodies[number % len(bodies)]
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        connection.request("POST", "/api/v1/predict_breed", body, headers)
        if connection.getresponse().status != 200:
            raise RuntimeError("a photo was not answered")
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(len(files))))
    return len(files) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
