"""Scoring on Ray: the same answers as in one process, from a worker on each core of a machine or a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model_serving.data.batches import decode
from model_serving.distributed.cluster import cluster, count_blocks, map_photos, split_readable
from model_serving.distributed.parts import Parts
from model_serving.scoring import tables
from model_serving.scoring.journal import ScoreRow
from model_serving.scoring.predictors import LocalPredictor
from model_serving.scoring.score import find_photos, relative_name, score_decoded, score_row

if TYPE_CHECKING:
    import pyarrow as pa


def score_on_ray(
    folder: Path,
    version: Path,
    job: dict[str, str],
    out: Path,
    workers: int | None = None,
    sort: Callable[[Iterable[ScoreRow]], object] | None = None,
) -> tuple[int, list[ScoreRow]]:
    """Ask the exported `version` about every photo below `folder`; return how many there are, and the unreadable ones.

    `job` and `sort` are as in `scoring.score`, and so are the answers. A Parquet `out` is the folder of files that the
    workers have written, in no order: so many photos need not go through one process. Other formats are one file, in
    the photos' order. Photos, version and `out` must be under the same paths on every node. Raises `ScoringError` or
    `DistributedError`; the same job begun again asks only for the rest.
    """
    folder, version, out = folder.absolute(), version.absolute(), out.absolute()
    photos = find_photos(folder)
    parts = Parts(out.with_name(f".{out.name}.parts"), job)
    known = parts.files()
    missing = [path for path in photos if _name(path, folder) not in known]
    readable, reasons = split_readable(missing)
    if readable:
        with cluster(workers) as count, parts.watched(len(photos), "score"):
            answers = map_photos(readable, _Scorer, (str(folder), str(version)), count)
            writers = min(count, count_blocks(len(readable)))
            answers.write_parquet(str(parts.folder), ray_remote_args={"num_cpus": 0}, concurrency=writers)
    if reasons:
        parts.add([{"file": _name(path, folder), "error": reason} for path, reason in reasons.items()])
    if sort:
        sort(parts.rows())
    unreadable = list(parts.rows(unreadable=True))
    if out.suffix == ".parquet":
        parts.folder.rename(out)
    else:
        rows = {row["file"]: row for row in parts.rows()}
        tables.write_table(out, [rows[_name(path, folder)] for path in photos])
        shutil.rmtree(parts.folder)
    return len(photos), unreadable


class _Scorer:
    """A model in a process of its own, on one core."""

    def __init__(self, folder: str, version: str) -> None:
        self._folder = Path(folder)
        self._predictor = LocalPredictor(Path(version), threads=1)

    def __call__(self, batch: dict[str, np.ndarray]) -> pa.Table:
        photos = [
            (Path(path), decode(photo, self._predictor.card.geometry))
            for path, photo in zip(batch["path"], batch["bytes"], strict=True)
        ]
        scores = score_decoded(self._predictor, photos)
        return tables.to_arrow(score_row(_name(path, self._folder), result) for path, result in scores)


def _name(path: Path, folder: Path) -> str:
    return tables.as_text(relative_name(path, folder))
