"""Scoring of a folder: every photo below it is answered once, and the file is written when all are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from model_serving.data.batches import decode_with_whole, map_decoded, read_batches
from model_serving.data.files import photos_below
from model_serving.errors import ScoringError
from model_serving.photos.found import WHOLE_SIDE, Find
from model_serving.progress import progress
from model_serving.scoring import tables
from model_serving.scoring.journal import Journal, ScoreRow
from model_serving.scoring.predictors import Predictor, Score
from model_serving.scoring.search import score_searched


def find_photos(folder: Path) -> list[Path]:
    """Return the photos below `folder`, hidden ones left out, in order; raises `ScoringError` if there are none."""
    photos = photos_below(folder)
    if not photos:
        raise ScoringError(f"There are no photos below {str(folder)!r}.")
    return photos


def score(
    folder: Path,
    predictor: Predictor,
    job: dict[str, str],
    out: Path,
    sort: Callable[[Iterable[ScoreRow]], object] | None = None,
    find: Find = "no",
) -> list[ScoreRow]:
    """Score every photo below `folder` and write the rows to `out`; return them in the photos' order.

    `find` says when the whole photo is searched for dogs, as in the gateway. A hidden journal beside `out` keeps the
    rows so far: the same `job` begun again scores only the rest. `sort` gets all rows before `out` is written, so that
    it, too, is called again if it was interrupted. A photo that cannot be read gets a row with its error. Raises
    `ScoringError`.
    """
    if find != "no" and not predictor.card.locates:
        raise ScoringError("This version cannot search photos, as it knows no dogs. Leave --find out.")
    photos = find_photos(folder)
    with Journal(out.with_name(f".{out.name}.journal"), job) as journal:
        missing = [path for path in photos if relative_name(path, folder) not in journal.rows]
        with progress(len(photos), "score", "photo", done=len(photos) - len(missing)) as bar:
            for path, result in _scored(missing, predictor, find):
                journal.add(score_row(relative_name(path, folder), result))
                bar.update()
        rows = [journal.rows[relative_name(path, folder)] for path in photos]
        if sort:
            sort(rows)
        tables.write_table(out, rows)
        journal.remove()
    return rows


def _scored(photos: list[Path], predictor: Predictor, find: Find) -> Iterator[tuple[Path, Score | Exception]]:
    """Yield each photo with its score or its error, in order, with `predictor.concurrency` batches in flight."""
    geometry, whole_side = predictor.card.geometry, None if find == "no" else WHOLE_SIDE
    with ThreadPoolExecutor(predictor.concurrency) as threads:
        in_flight: list[Future[list[tuple[Path, Score | Exception]]]] = []
        for decoded in read_batches(photos, lambda photo: decode_with_whole(photo, geometry, whole_side)):
            in_flight.append(threads.submit(score_searched, predictor, decoded, find))
            if len(in_flight) > predictor.concurrency:
                yield from in_flight.pop(0).result()
        for future in in_flight:
            yield from future.result()


def score_decoded(
    predictor: Predictor, decoded: Sequence[tuple[Path, np.ndarray | Exception]]
) -> list[tuple[Path, Score | Exception]]:
    """Return the score of each photo that was decoded, and the error of each that was not."""
    return map_decoded(decoded, predictor.score)


def relative_name(path: Path, folder: Path) -> str:
    """Return a photo's name in its row: its path below `folder`."""
    return str(path.relative_to(folder))


def score_row(file: str, result: Score | Exception) -> ScoreRow:
    """Return the row of a photo: its score, or the error that kept it from being read."""
    if isinstance(result, Exception):
        return {"file": file, "error": str(result)}
    row = _answer(result) | {"version": result.version, "error": None}
    if result.dogs is not None:
        row["dogs"] = [_answer(dog) for dog in result.dogs]
    return {"file": file, **row}


def _answer(score: Score) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "breed": score.predictions[0][0],
        "confidence": score.predictions[0][1],
        "is_dog": score.is_dog,
        "dog_probability": score.dog_probability,
        "familiarity": score.familiarity,
        "predictions": [{"breed": breed, "confidence": confidence} for breed, confidence in score.predictions],
    }
    if score.box:
        answer["box"] = astuple(score.box)
    return answer
