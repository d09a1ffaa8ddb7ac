"""The job: every photo below a folder, answered once, written when all are."""

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
from model_serving.scoring.journal import Journal, Row
from model_serving.scoring.models import Answer, Model


def find_photos(folder: Path) -> list[Path]:
    """Return the photos below `folder`, hidden ones left out, in order; raises `ScoringError` if there are none."""
    photos = photos_below(folder)
    if not photos:
        raise ScoringError(f"There are no photos below {str(folder)!r}.")
    return photos


def score(
    folder: Path, model: Model, job: dict[str, str], out: Path, sort: Callable[[Iterable[Row]], object] | None = None
) -> list[Row]:
    """Ask `model` about every photo below `folder` and write the answers to `out`; return them in the photos' order.

    The answers had so far are kept in a hidden file beside `out`: the same `job` begun again asks only for the rest.
    `sort` gets all answers before `out` is written, so that it, too, is called again if it was interrupted. A photo
    that cannot be read gets a row with its error. Raises `ScoringError`.
    """
    photos = find_photos(folder)
    with Journal(out.with_name(f".{out.name}.journal"), job) as journal:
        missing = [path for path in photos if name_of(path, folder) not in journal.rows]
        with progress(len(photos), "score", "photo", done=len(photos) - len(missing)) as bar:
            for path, result in _answered(missing, model):
                journal.add(row_of(name_of(path, folder), result))
                bar.update()
        rows = [journal.rows[name_of(path, folder)] for path in photos]
        if sort:
            sort(rows)
        tables.write(out, rows)
        journal.remove()
    return rows


def _answered(photos: list[Path], model: Model) -> Iterator[tuple[Path, Answer | Exception]]:
    """Yield each photo with its answer or its error, in order, with `model.concurrency` batches in flight."""
    with ThreadPoolExecutor(model.concurrency) as askers:
        in_flight: list[Future[list[tuple[Path, Answer | Exception]]]] = []
        for decoded in decoded_batches(photos, model.geometry):
            in_flight.append(askers.submit(ask, model, decoded))
            if len(in_flight) > model.concurrency:
                yield from in_flight.pop(0).result()
        for future in in_flight:
            yield from future.result()


def ask(model: Model, decoded: Sequence[tuple[Path, np.ndarray | Exception]]) -> list[tuple[Path, Answer | Exception]]:
    """Return the answer for each photo that was decoded, and the error of each that was not."""
    return map_decoded(decoded, model.ask)


def name_of(path: Path, folder: Path) -> str:
    """Return what a row calls a photo below `folder`."""
    return str(path.relative_to(folder))


def row_of(file: str, result: Answer | Exception) -> Row:
    """Return what is kept of a photo."""
    if isinstance(result, Exception):
        return {"file": file, "error": str(result)}
    return {
        "file": file,
        "breed": result.predictions[0][0],
        "confidence": result.predictions[0][1],
        "is_dog": result.is_dog,
        "dog_probability": result.dog_probability,
        "predictions": [{"breed": breed, "confidence": confidence} for breed, confidence in result.predictions],
        "version": result.version,
        "error": None,
    }
