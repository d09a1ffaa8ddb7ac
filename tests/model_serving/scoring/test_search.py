"""Scoring with the search for dogs: a row for each dog, by the exported starter."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from dog_breed.command import main
from model_serving.scoring.predictors import LocalPredictor
from model_serving.scoring.score import score
from model_serving.scoring.sorting import sort_into


@pytest.fixture(scope="module")
def model(starter_model: Path) -> Iterator[LocalPredictor]:
    """The starter, in this process."""
    model = LocalPredictor(starter_model / "1")
    yield model
    model.close()


@pytest.fixture
def folder(shared_images: Path, tmp_path: Path) -> Path:
    """A folder with a photo of two dogs, a strip, a photo of one pixel, and a file that is no photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    first, second = (Image.open(path) for path in sorted((shared_images / "dogs").glob("*.jpg"))[1:3])
    scene = Image.new("RGB", (1280, 960), (90, 140, 90))
    scene.paste(first.resize((420, 420)), (60, 500))
    scene.paste(second.resize((420, 420)), (800, 60))
    scene.save(folder / "two.jpg")
    Image.new("RGB", (1, 3000)).save(folder / "strip.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_score_with_find_all_gives_each_dog_a_row(folder: Path, model: LocalPredictor, tmp_path: Path) -> None:
    """CSV has a row for each dog with its box, NDJSON the dogs in one line, and links stand under both breeds."""
    rows = {row["file"]: row for row in score(folder, model, {}, tmp_path / "dogs.csv", find="all")}
    with (tmp_path / "dogs.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    dogs = [line for line in lines if line["file"] == "two.jpg"]
    assert {line["breed"] for line in dogs} >= {"Brittany", "Curly-coated Retriever"}
    assert {round(float(line["box_left"]) + float(line["box_width"]) / 2) for line in dogs} == {0, 1}
    assert [dog["breed"] for dog in rows["two.jpg"]["dogs"]] == [line["breed"] for line in dogs]
    assert rows["dot.png"]["dogs"] == rows["strip.png"]["dogs"] == []
    assert rows["broken.jpg"]["error"]
    score(folder, model, {}, tmp_path / "dogs.ndjson", find="all")
    photos = [json.loads(line) for line in (tmp_path / "dogs.ndjson").read_text().splitlines()]
    assert [photo["file"] for photo in photos] == sorted(rows)
    sort_into(folder, tmp_path / "sorted", rows.values(), copy=False)
    assert len(list((tmp_path / "sorted").glob("*/two.jpg"))) == len({line["breed"] for line in dogs})


def test_score_with_find_auto_answers_for_the_part_that_shows_a_dog(
    folder: Path, model: LocalPredictor, tmp_path: Path
) -> None:
    """A row is that of the best part, with its box, when the centre shows no dog."""
    rows = {row["file"]: row for row in score(folder, model, {}, tmp_path / "auto.csv", find="auto")}
    assert rows["two.jpg"]["is_dog"]
    assert rows["two.jpg"]["breed"] in ("Brittany", "Curly-coated Retriever")
    assert rows["two.jpg"]["box"][2] < 0.6
    assert rows["dot.png"]["box"] == (0.0, 0.0, 1.0, 1.0)


def test_score_with_find_on_ray_is_refused(folder: Path, tmp_path: Path) -> None:
    """A search that Ray's workers do not make is refused before the work."""
    out = str(tmp_path / "scores.csv")
    with pytest.raises(SystemExit, match="without --engine ray"):
        main(["score", str(folder), "--out", out, "--engine", "ray", "--find", "all"])
