"""Scoring of a folder: every photo below it is answered once, and the file is written when all are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.data.files import photos_below
from model_serving.errors import ScoringError
from model_serving.progress import progress
from model_serving.scoring import tables
from model_serving.scoring.journal import Journal, ScoreRow
from model_serving.scoring.predictors import Predictor, Score


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
) -> list[ScoreRow]:
    """Score every photo below `folder` and write the rows to `out`; return them in the photos' order.

    A hidden journal beside `out` keeps the rows so far: the same `job` begun again scores only the rest. `sort` gets
    all rows before `out` is written, so that it, too, is called again if it was interrupted. A photo that cannot be
    read gets a row with its error. Raises `ScoringError`.
    """
    photos = find_photos(folder)
    with Journal(out.with_name(f".{out.name}.journal"), job) as journal:
        missing = [path for path in photos if relative_name(path, folder) not in journal.rows]
        with progress(len(photos), "score", "photo", done=len(photos) - len(missing)) as bar:
            for path, result in _scored(missing, predictor):
                journal.add(score_row(relative_name(path, folder), result))
                bar.update()
        rows = [journal.rows[relative_name(path, folder)] for path in photos]
        if sort:
            sort(rows)
        tables.write_table(out, rows)
        journal.remove()
    return rows


def _scored(photos: list[Path], predictor: Predictor) -> Iterator[tuple[Path, Score | Exception]]:
    """Yield each photo with its score or its error, in order, with `predictor.concurrency` batches in flight."""
    with ThreadPoolExecutor(predictor.concurrency) as threads:
        in_flight: list[Future[list[tuple[Path, Score | Exception]]]] = []
        for decoded in decoded_batches(photos, predictor.geometry):
            in_flight.append(threads.submit(score_decoded, predictor, decoded))
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
    return {
        "file": file,
        "breed": result.predictions[0][0],
        "confidence": result.predictions[0][1],
        "is_dog": result.is_dog,
        "dog_probability": result.dog_probability,
        "familiarity": result.familiarity,
        "predictions": [{"breed": breed, "confidence": confidence} for breed, confidence in result.predictions],
        "version": result.version,
        "error": None,
    }
