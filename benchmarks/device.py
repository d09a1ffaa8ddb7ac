"""Answers on the device against the gateway's, by the same page in the same run: bytes, time, memory, agreement.

    .venv/bin/python -m benchmarks.device FOLDER [--photos 300] [--visits 5]

A real browser reads photos of FOLDER by the page of `dog-breed run`, first with the gateway's client and then with the
device's, each in a browser begun anew. The first answer is that to one photo on a later visit, from the navigation on,
the median of so many; at last without any server. Agreement is with the gateway's answers to the files themselves, of
the part that the device reads (`find=no`), and with the gateway client's, which searches where it is not sure. The
model is the starter, or `--model`. Server and browser share the machine, so that the gateway's client has its cores for
two.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.chromium import Tab, browser_megabytes, chromium_at, memory_samples
from benchmarks.processes import free_port, running, wait_for_http
from detector_app import runtime
from model_serving.data.files import photos_below

CLIENTS = ("gateway", "device")
START_SECONDS, LONGEST_SECONDS = 60, 1800
SOON = 0.02  # seconds between two looks
SETTLE_SECONDS = 3  # until what is loaded is kept

NOTE_FIRST_ANSWER = """new MutationObserver(() => {
    if (document.querySelector("[data-status=read]")) globalThis.firstAnswer ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });"""
READY = "document.querySelector('#about-model:not(:empty)') !== null"
DONE = "document.querySelectorAll(':is([data-status=read], [data-status=failed])').length === {count}"
DOWNLOAD = """new Promise((resolve) => {
    URL.createObjectURL = (blob) => (resolve(blob.text()), "");
    document.querySelector("[data-download=json]").click();
})"""


@dataclass
class Reading:
    """The cost of a client, and its answers by file name; memory in MB, times in seconds."""

    first_answer: float
    seconds: float
    before: float
    peak: float
    answers: dict[str, dict[str, Any]]


def main() -> None:
    """Read the photos by both clients, and print what they took and how far they agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos, in folders or not")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--model", type=Path, help="folder of a model's versions")
    options = parser.parse_args()

    runtime.fetch()
    with tempfile.TemporaryDirectory() as name:
        files = _choose(options.folder, options.photos, Path(name))
        model = options.model or Path(name) / "dog_breed"  # `run` makes the starter there
        port = free_port()
        command = [sys.executable, "-m", "dog_breed", "run", f"--model={model.resolve()}", f"--port={port}"]
        url = f"http://127.0.0.1:{port}"
        with running([*command, f"--grpc-port={free_port()}", f"--rest-port={free_port()}"]) as product:
            wait_for_http(f"{url}/readyz")
            _print_bytes(url)
            exact = _ask(url, files)
            readings = {}
            for client in CLIENTS:
                with chromium_at(f"{url}/?client={client}") as tab:
                    readings[client] = _read(tab, files, options.visits)
                    if client == "device":
                        product.terminate()
                        product.wait()
                        alone = _first_answer(tab, files[0])
    gateway, device = (readings[client] for client in CLIENTS)
    print(
        f"first answer on a later visit: {device.first_answer / gateway.first_answer:.2f} of the gateway client's "
        f"time, {alone / gateway.first_answer:.2f} with no server at all; {len(files)} photos: "
        f"{gateway.seconds / device.seconds:.2f} of its rate"
    )
    print(
        f"browser's memory: {device.before:.0f} MB before photos and at most {device.peak:.0f}, "
        f"the gateway client's {gateway.before:.0f} and {gateway.peak:.0f}"
    )
    _print_agreement("the gateway's answers to the same part", exact, device.answers)
    _print_agreement("the gateway client's, which searches", gateway.answers, device.answers)


def _choose(folder: Path, count: int, work: Path) -> list[Path]:
    """Return links to photos below a folder, drawn by a seed, each with a name of its own."""
    photos = [photo for photo in photos_below(folder) if photo.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")]
    drawn = sorted(random.Random(0).sample(photos, min(count, len(photos))))
    links = [work / f"{number:05}{photo.suffix.lower()}" for number, photo in enumerate(drawn)]
    for link, photo in zip(links, drawn, strict=True):
        link.symlink_to(photo.resolve())
    return links


def _print_bytes(url: str) -> None:
    told = httpx.get(f"{url}/api/v1/model").json()["on_device"]
    if told is None:
        sys.exit("This version has no file for browsers.")
    build = runtime.BUILDS[0]
    wasm, packed = ((runtime.FOLDER / f"{build}.wasm{end}").stat().st_size for end in ("", ".gz"))
    scripts = sum((runtime.FOLDER / name).stat().st_size for name in ("core.js", f"{build}.js"))
    print(
        f"bytes: model {told['bytes']:,}; runtime {wasm:,}, sent by nginx in {packed:,}, and scripts {scripts:,}",
        flush=True,
    )


def _ask(url: str, files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return the gateway's answers to the centres of the files themselves."""
    with httpx.Client(base_url=url, timeout=60) as client:
        answers = {}
        for file in files:
            photo = {"dog_image": file.read_bytes()}
            said = client.post("/api/v1/predict_breed", params={"find": "no"}, files=photo)
            answers[file.name] = said.json() if said.status_code == 200 else {}
        return answers


def _read(tab: Tab, files: Sequence[Path], visits: int) -> Reading:
    tab.wait_for(READY, START_SECONDS)
    time.sleep(SETTLE_SECONDS)
    tab.send("Page.enable")
    tab.send("Page.addScriptToEvaluateOnNewDocument", source=NOTE_FIRST_ANSWER)
    first = statistics.median(_first_answer(tab, files[0]) for _ in range(visits))
    tab.send("Page.reload")
    tab.wait_for(READY, START_SECONDS)
    before = browser_megabytes()
    with memory_samples() as samples:
        start = time.perf_counter()
        tab.choose_files("#photos", files)
        tab.wait_for(DONE.format(count=len(files)), LONGEST_SECONDS)
        seconds = time.perf_counter() - start
    records = json.loads(tab.evaluate(DOWNLOAD))
    return Reading(first, seconds, before, max(samples), {record["file"]: record for record in records})


def _first_answer(tab: Tab, file: Path) -> float:
    """Return the seconds from the navigation to the answer to one photo, chosen as soon as there is a button for it."""
    tab.send("Page.reload")
    tab.wait_for("document.querySelector('#photos') !== null && !globalThis.firstAnswer", START_SECONDS, SOON)
    tab.choose_files("#photos", [file])
    tab.wait_for("globalThis.firstAnswer !== undefined", START_SECONDS, SOON)
    return float(tab.evaluate("firstAnswer")) / 1000


def _print_agreement(name: str, expected: dict[str, dict[str, Any]], answers: dict[str, dict[str, Any]]) -> None:
    """Print on how many photos breed, and dog or none, are the same, and how far the first probability is away."""
    read = [file for file in expected if expected[file].get("breed") and answers[file]["breed"]]
    same = sum(expected[file]["breed"] == answers[file]["breed"] for file in read)
    dogs = sum(expected[file]["is_dog"] == answers[file]["is_dog"] for file in read)
    differences = []
    for file in read:
        told = {guess["breed"]: guess["confidence"] for guess in answers[file]["predictions"]}
        differences.append(abs(told.get(expected[file]["breed"], 0) - expected[file]["predictions"][0]["confidence"]))
    print(
        f"against {name}: the same first breed on {same / len(read):.1%} of {len(read)} photos, dog or none on "
        f"{dogs / len(read):.1%}, the first probability {statistics.fmean(differences):.4f} away on average"
    )


if __name__ == "__main__":
    main()
