"""Journal of a scoring job: the rows so far, a JSON object a line, from which a stopped or killed job goes on."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from model_serving.errors import ScoringError

ScoreRow = dict[str, Any]


class Journal:
    """A file that a job appends to; its first line names the job, and another job is refused."""

    def __init__(self, path: Path, job: dict[str, str]) -> None:
        self.rows: dict[str, ScoreRow] = {}
        whole = 0
        if path.exists():
            # A line without its end was cut off when the job was killed.
            lines = path.read_bytes().split(b"\n")[:-1]
            whole = sum(len(line) + 1 for line in lines)
            if lines:
                check_job(path, json.loads(lines[0]), job)
            self.rows = {row["file"]: row for row in map(json.loads, lines[1:])}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")
        self._file.truncate(whole)
        if not whole:
            self._append(job)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, row: ScoreRow) -> None:
        """Keep the row of one photo."""
        self._append(row)
        self.rows[row["file"]] = row

    def remove(self) -> None:
        """Delete the file, once the rows stand elsewhere."""
        self._file.close()
        self._path.unlink()

    def _append(self, value: dict[str, Any]) -> None:
        self._file.write(json.dumps(value).encode() + b"\n")
        self._file.flush()


def check_job(path: Path, begun: dict[str, str], job: dict[str, str]) -> None:
    """Raise `ScoringError` if the job begun in `path` is another than `job`."""
    if begun != job:
        raise ScoringError(f"{str(path)!r} holds the beginning of another job: {begun}. Finish that one, or remove it.")
