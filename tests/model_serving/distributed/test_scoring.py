"""Scoring on Ray gives what the local engine gives, whatever becomes of its workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from dog_breed.command import main
from model_serving.distributed import scoring
from model_serving.distributed.scoring import score_on_ray
from model_serving.errors import DistributedError, ScoringError
from model_serving.scoring.predictors import LocalPredictor
from model_serving.scoring.score import find_photos, score
from model_serving.scoring.tables import from_arrow

JOB = {"photos": "some", "model": "starter"}
# As far as batches of other sizes may change a probability.
TOLERANCE = 1e-5
TIMEOUT = 120
UNNAMEABLE = "the file's name is not UTF-8"


@pytest.fixture(scope="module")
def photos(small_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of photos, with one that is broken and one whose name is no text."""
    folder = tmp_path_factory.mktemp("more") / "photos"
    shutil.copytree(small_photos, folder, symlinks=True)
    (folder / "broken.jpg").write_bytes(b"no photo")
    shutil.copy(find_photos(small_photos)[0], os.fsencode(folder) + b"/\xff.jpg")
    return folder


@pytest.fixture(scope="module")
def expected(photos: Path, starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Return what the local engine answers, but for the file name that is no text, which Ray cannot take."""
    model = LocalPredictor(starter_model / "1")
    rows = score(photos, model, JOB, tmp_path_factory.mktemp("local") / "scores.ndjson")
    model.close()
    name = "\N{REPLACEMENT CHARACTER}.jpg"
    return [{"file": name, "error": UNNAMEABLE} if "\udcff" in row["file"] else row for row in rows]


@pytest.fixture(scope="module")
def survived(ray_cluster: int, photos: Path, starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Score the photos to Parquet, kill one of the two workers (kill -9) in mid-run, and return what has come out."""
    folder = tmp_path_factory.mktemp("ray")
    killed: list[int] = []

    def kill() -> None:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end and not list(folder.glob(".scores.parquet.parts/*.parquet")):
            time.sleep(0.01)
        killed.append(workers()[0])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    count, unreadable = score_on_ray(photos, starter_model / "1", JOB, folder / "scores.parquet", ray_cluster)
    killer.join()
    assert len(killed) == 1
    assert (count, len(unreadable)) == (162, 2)
    return folder / "scores.parquet"


def assert_same(rows: list[dict], expected: list[dict]) -> None:
    """Compare photo by photo: every breed in its place, every probability as far as a batch may change it."""
    assert [row["file"] for row in rows] == [row["file"] for row in expected]
    for row, other in zip(rows, expected, strict=True):
        assert row.keys() == other.keys()
        assert row["error"] == other["error"]
        if not row["error"]:
            assert (row["breed"], row["is_dog"], row["version"]) == (other["breed"], other["is_dog"], other["version"])
            assert row["dog_probability"] == pytest.approx(other["dog_probability"], abs=TOLERANCE)
            for one, another in zip(row["predictions"], other["predictions"], strict=True):
                assert one["confidence"] == pytest.approx(another["confidence"], abs=TOLERANCE)


def workers() -> list[int]:
    """Return the processes of this process's Ray that hold the model."""

    def children(pid: int) -> Iterator[int]:
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())

    below = [worker for raylet in children(os.getpid()) for worker in children(raylet)]
    return [pid for pid in below if b"ray::MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_score_on_ray_loses_nothing_when_a_worker_is_killed(survived: Path, expected: list[dict]) -> None:
    """Every photo has its answer, once, and it is the local one; no trace of the work is left beside the folder."""
    rows = [row for file in survived.glob("*.parquet") for row in from_arrow(pyarrow.parquet.read_table(file))]
    assert_same(sorted(rows, key=lambda row: Path(row["file"])), sorted(expected, key=lambda row: Path(row["file"])))
    assert [path.name for path in survived.parent.iterdir()] == ["scores.parquet"]


def test_score_on_ray_interrupted_goes_on(
    ray_cluster: int, survived: Path, photos: Path, starter_model: Path, expected: list[dict], tmp_path: Path
) -> None:
    """Photos that an interrupted run answered are not asked again, half a file counts for nothing, the rest is as ever.

    In a format of one file, the rows stand in the photos' order, and they are sorted before it is there.
    """
    parts = tmp_path / ".scores.ndjson.parts"
    shutil.copytree(survived, parts)
    first, second, *others = sorted(parts.glob("0*.parquet"))
    first.write_bytes(first.read_bytes()[:-1000])
    second.unlink()
    changed = pyarrow.parquet.read_table(others[0])
    asked = set(changed["file"].to_pylist())
    pyarrow.parquet.write_table(changed.set_column(1, "breed", [["known"] * len(changed)]), others[0])
    seen: list[dict] = []
    score_on_ray(photos, starter_model / "1", JOB, tmp_path / "scores.ndjson", 1, seen.extend)
    rows = [json.loads(line) for line in (tmp_path / "scores.ndjson").read_text().splitlines()]
    assert {row["file"] for row in rows if row.get("breed") == "known"} == asked
    assert sorted(row["file"] for row in seen) == sorted(row["file"] for row in rows)
    assert_same(
        [row for row in rows if row["file"] not in asked], [row for row in expected if row["file"] not in asked]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["scores.ndjson"]


def test_score_on_ray_another_job_keeps_the_beginning_of_the_first(
    photos: Path, starter_model: Path, tmp_path: Path
) -> None:
    """Answers of two models never meet in one table."""
    (tmp_path / ".scores.parquet.parts").mkdir()
    (tmp_path / ".scores.parquet.parts" / ".job.json").write_text(json.dumps(JOB | {"model": "another"}))
    with pytest.raises(ScoringError, match="another job"):
        score_on_ray(photos, starter_model / "1", JOB, tmp_path / "scores.parquet")


def test_score_on_ray_with_a_photo_that_kills_every_worker_ends(
    ray_cluster: int, starter_model: Path, shared_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that takes every worker with it does not go round for ever: the job ends with what to do."""
    import ray.data  # not before the cluster is up: it reads its settings then

    monkeypatch.setattr(ray.data.DataContext.get_current(), "execution_no_progress_timeout_s", 5.0)
    monkeypatch.setattr(scoring, "_Scorer", Dying)
    with pytest.raises(DistributedError, match="Run the command again"):
        score_on_ray(shared_images / "dogs", starter_model / "1", JOB, tmp_path / "scores.parquet", workers=1)
    assert not (tmp_path / "scores.parquet").exists()


class Dying:
    """Stands in for a model whose decoder crashes, which no photo here makes ours do."""

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self, batch: object) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)


def test_score_verb_refuses_ray_for_a_server(tmp_path: Path) -> None:
    """Two engines at once are refused in one line, before any work."""
    with pytest.raises(SystemExit, match=r"Leave one of --engine and --server out"):
        main(["score", str(tmp_path), "--engine", "ray", "--server", "127.0.0.1:1", "--out", str(tmp_path / "a.csv")])
