"""The answers had so far as a folder of Parquet files: for many processes, what the journal is for one."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from model_serving.progress import progress
from model_serving.scoring import tables
from model_serving.scoring.journal import ScoreRow, check_job

# Left with the answers; readers of Parquet pass over hidden files.
_JOB = ".job.json"
_POLL_SECONDS = 1.0


class Parts:
    """The folder that a job's workers write into; files that a kill left half written are deleted.

    Raises `ScoringError` if it holds the beginning of another job.
    """

    def __init__(self, folder: Path, job: dict[str, str]) -> None:
        self.folder = folder
        note = folder / _JOB
        if note.exists():
            check_job(folder, json.loads(note.read_text()), job)
        folder.mkdir(parents=True, exist_ok=True)
        hidden = folder / f"{_JOB}.part"
        hidden.write_text(json.dumps(job))
        hidden.rename(note)
        for path in self._paths():
            if _count(path) is None:
                path.unlink()

    def files(self) -> set[str]:
        """Return the photos that have their answer."""
        return {name for table in self._tables(["file"]) for name in table["file"].to_pylist()}

    def rows(self, *, unreadable: bool = False) -> Iterator[ScoreRow]:
        """Yield every answer, a file of them in memory at a time; or those alone that are errors."""
        for table in self._tables():
            yield from tables.from_arrow(table.filter(table["error"].is_valid()) if unreadable else table)

    def add(self, rows: Sequence[ScoreRow]) -> None:
        """Keep `rows` as one more file."""
        name = uuid.uuid4().hex
        hidden = self.folder / f".{name}.part"
        parquet.write_table(tables.to_arrow(rows), hidden)
        hidden.rename(self.folder / f"{name}.parquet")

    @contextmanager
    def watched(self, total: int, what: str) -> Iterator[None]:
        """Show on a progress line how many of `total` photos have their answer, until the block ends."""
        ended = threading.Event()

        def watch() -> None:
            counts: dict[Path, int] = {}
            with progress(total, what, "photo", done=self._update(counts)) as bar:
                while not ended.wait(_POLL_SECONDS):
                    bar.update(self._update(counts) - bar.n)
                bar.update(self._update(counts) - bar.n)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _update(self, counts: dict[Path, int]) -> int:
        for path in self._paths():
            if path not in counts and (count := _count(path)) is not None:
                counts[path] = count
        return sum(counts.values())

    def _tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        for path in self._paths():
            yield parquet.read_table(path, columns=columns)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))


def _count(path: Path) -> int | None:
    """Return the number of rows of a Parquet file, None while it is being written."""
    try:
        return parquet.read_metadata(path).num_rows
    except (pa.ArrowInvalid, OSError):
        return None
