"""Scoring a folder of real photos, with the starter model in this process and behind a real server."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pyarrow.parquet
import pytest

from dog_breed.command import main
from model_serving.data import batches
from model_serving.errors import ScoringError
from model_serving.scoring.predictors import LocalPredictor, Score, ServerPredictor
from model_serving.scoring.score import find_photos, score

JOB = {"photos": "some", "model": "starter"}
# Loading the model takes seconds; only a hang takes a minute.
TIMEOUT = 60


@pytest.fixture(scope="module")
def photos(shared_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ten photos in folders of their own, a broken one, and what is not to be scored."""
    folder = tmp_path_factory.mktemp("photos")
    for number, file in enumerate(sorted((shared_images / "udacity133").glob("*.jpg"))[:10]):
        target = folder / f"{number % 3}" / file.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(file, target)
    (folder / "0" / "broken.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("not a photo")
    (folder / ".hidden").mkdir()
    shutil.copy(target, folder / ".hidden/a.jpg")
    return folder


@pytest.fixture(scope="module")
def model(starter_model: Path) -> Iterator[LocalPredictor]:
    model = LocalPredictor(starter_model / "1")
    yield model
    model.close()


def test_find_photos_leaves_hidden_and_other_files_out(photos: Path) -> None:
    """Photos at any depth are found, once each and in order; nothing else is."""
    names = [str(path.relative_to(photos)) for path in find_photos(photos)]
    assert len(names) == 11
    assert names == sorted(names)
    assert not [name for name in names if "hidden" in name or name.endswith(".txt")]


def test_find_photos_in_empty_folder_says_so(tmp_path: Path) -> None:
    """A folder without photos is an error rather than an empty table."""
    with pytest.raises(ScoringError, match="no photos"):
        find_photos(tmp_path)


def test_score_folder_answers_each_photo_once(photos: Path, model: LocalPredictor, tmp_path: Path) -> None:
    """Every photo has its row, the broken one with its reason, and no trace of the work is left beside the file."""
    rows = score(photos, model, JOB, tmp_path / "scores.csv")
    assert [row["file"] for row in rows] == [str(path.relative_to(photos)) for path in find_photos(photos)]
    assert [row["file"] for row in rows if row["error"]] == ["0/broken.jpg"]
    with (tmp_path / "scores.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["breed"] for line in table] == [row.get("breed", "") for row in rows]
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_score_formats_hold_the_same_answers(photos: Path, model: LocalPredictor, tmp_path: Path) -> None:
    """CSV, NDJSON and Parquet differ in nothing but their form."""
    rows = score(photos, model, JOB, tmp_path / "scores.ndjson")
    score(photos, model, JOB, tmp_path / "scores.parquet")
    assert [json.loads(line) for line in (tmp_path / "scores.ndjson").read_text().splitlines()] == rows
    table = pyarrow.parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    assert [(line["file"], line["breed"], line["error"]) for line in table] == [
        (row["file"], row.get("breed"), row["error"]) for row in rows
    ]
    second = [row["predictions"][1]["confidence"] for row in rows if not row["error"]]
    assert [line["confidence_2"] for line in table if not line["error"]] == second


def test_score_after_an_interruption_asks_only_for_the_rest(
    photos: Path, model: LocalPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos answered before Ctrl-C are not asked again, and the table is the same as without it."""
    asked: list[int] = []
    original = LocalPredictor.score

    def interrupted(self: LocalPredictor, pixels: np.ndarray) -> object:
        if len(asked) == 1:
            raise KeyboardInterrupt
        asked.append(len(pixels))
        return original(self, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(LocalPredictor, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            score(photos, model, JOB, tmp_path / "scores.csv")
    assert asked == [7]
    assert not (tmp_path / "scores.csv").exists()
    journal = tmp_path / ".scores.csv.journal"
    journal.write_bytes(journal.read_bytes() + b'{"file": "2/half')  # killed while it wrote
    rows = score(photos, model, JOB, tmp_path / "scores.csv")
    assert rows == score(photos, model, JOB, tmp_path / "again.csv")


def test_score_sorts_again_after_an_interruption(photos: Path, model: LocalPredictor, tmp_path: Path) -> None:
    """Answers are kept until the photos are sorted too: a disk that was full costs no second run of the model."""

    def full(_: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        score(photos, model, JOB, tmp_path / "scores.csv", full)
    assert not (tmp_path / "scores.csv").exists()
    sorted_rows: list[object] = []
    rows = score(photos, model, JOB, tmp_path / "scores.csv", sorted_rows.extend)
    assert sorted_rows == rows


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_score_photo_with_a_name_that_is_no_text(
    model: LocalPredictor, photos: Path, tmp_path: Path, suffix: str
) -> None:
    """A file name of any bytes is no reason to lose the answers of all other photos."""
    (tmp_path / "in").mkdir()
    photo = next(path for path in find_photos(photos) if path.name != "broken.jpg")
    shutil.copy(photo, os.fsencode(tmp_path / "in") + b"/\xff.jpg")
    (row,) = score(tmp_path / "in", model, JOB, (tmp_path / "scores").with_suffix(suffix))
    assert os.fsencode(row["file"]) == b"\xff.jpg"
    assert (tmp_path / "scores").with_suffix(suffix).exists()


def test_score_another_job_keeps_the_beginning_of_the_first(
    photos: Path, model: LocalPredictor, tmp_path: Path
) -> None:
    """Answers of two models never meet in one table."""
    (tmp_path / ".scores.csv.journal").write_text(json.dumps({"photos": "some", "model": "another"}) + "\n")
    with pytest.raises(ScoringError, match="another job"):
        score(photos, model, JOB, tmp_path / "scores.csv")
    assert (tmp_path / ".scores.csv.journal").exists()


def test_score_killed_loses_nothing(photos: Path, starter_model: Path, tmp_path: Path) -> None:
    """A command that is killed (kill -9) while it works ends with the whole table once it is let."""
    out, journal = tmp_path / "scores.ndjson", tmp_path / ".scores.ndjson.journal"
    command = [sys.executable, "-m", "dog_breed", "score", str(photos), "--model", str(starter_model)]
    command += ["--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + TIMEOUT
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 1):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["file"] for row in rows] == [str(path.relative_to(photos)) for path in find_photos(photos)]
    assert not journal.exists()


def test_score_over_grpc_answers_the_same(
    photos: Path, model: LocalPredictor, starter_model: Path, tmp_path: Path, free_ports: object
) -> None:
    """A running server gives the same breeds and versions as the exported model, with several requests in flight."""
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("tensorflow_model_server")), f"--port={port}", "--host=127.0.0.1"),
            *("--model_name=dog_breed", f"--model_base_path={starter_model}"),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(TIMEOUT)
        served = ServerPredictor(f"127.0.0.1:{port}", "dog_breed", 3)
        rows = score(photos, served, JOB, tmp_path / "served.csv")
        assert served.version == 1
        served.close()
    finally:
        server.terminate()
        server.wait()
    expected = score(photos, model, JOB, tmp_path / "local.csv")
    assert [(row["file"], row.get("breed"), row.get("version")) for row in rows] == [
        (row["file"], row.get("breed"), row.get("version")) for row in expected
    ]


class Slow(LocalPredictor):
    """The starter as if it were behind a slow network, which counts the requests in flight."""

    concurrency = 3

    def __init__(self, version: Path) -> None:
        super().__init__(version)
        self.now, self.most, self._lock = 0, 0, threading.Lock()

    def score(self, pixels: np.ndarray) -> list[Score]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.2)
        answers = super().score(pixels)
        with self._lock:
            self.now -= 1
        return answers


def test_score_never_has_more_in_flight_than_allowed(
    photos: Path, starter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The throttle holds: as many requests at once as were allowed, and never one more."""
    monkeypatch.setattr(batches, "BATCH", 1)
    model = Slow(starter_model / "1")
    rows = score(photos, model, JOB, tmp_path / "scores.csv")
    model.close()
    assert len(rows) == 11
    assert model.most == Slow.concurrency


def test_score_to_a_full_disk_goes_on_when_there_is_room(
    photos: Path, starter_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full is one line; the answers that it took are not asked for again."""
    command = ["score", str(photos), "--model", str(starter_model), "--out", str(tmp_path / "scores.csv")]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))
    try:
        with pytest.raises(SystemExit, match=r"^dog-breed: .*File too large\. .*run the command again"):
            main(command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    main(command)
    assert "11 photos, 1 of them unreadable" in capsys.readouterr().out
    with (tmp_path / "scores.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 11


def test_served_model_without_server_names_the_address(free_ports: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is not there is told by its address."""
    monkeypatch.setattr("model_serving.scoring.predictors.RETRY_SECONDS", 0.0)
    (port,) = free_ports(1)
    with pytest.raises(ScoringError, match=f"127.0.0.1:{port}"):
        ServerPredictor(f"127.0.0.1:{port}", "dog_breed", 1)
