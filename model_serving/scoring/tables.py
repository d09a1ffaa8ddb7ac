"""Files of scores: CSV or Parquet with columns for the likeliest five, or NDJSON in the form of the gateway."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model_serving.data.spreadsheets import without_formula
from model_serving.errors import ScoringError
from model_serving.photos.labels import TOP_K
from model_serving.scoring.journal import ScoreRow

if TYPE_CHECKING:
    import pyarrow as pa

_LEADING = ("file", "breed", "confidence", "is_dog", "dog_probability", "familiarity")
# Of photos that were searched: the part that was judged, as fractions of the upright photo.
BOX = ["box_left", "box_top", "box_width", "box_height"]
FORMATS = (".csv", ".ndjson", ".parquet")


def require_writable(path: Path) -> None:
    """Raise `ScoringError` if no file can be written as `path`: before the work rather than after it."""
    if path.suffix not in FORMATS:
        raise ScoringError(f"{path.name!r} must end in one of {', '.join(FORMATS)}, which chooses the format.")
    if path.exists():
        raise ScoringError(f"{str(path)!r} is there already. Remove it or name another file.")
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ScoringError("Parquet needs a package: pip install 'dog-breed-detector[parquet]'.") from error


def write_table(path: Path, rows: Sequence[ScoreRow]) -> None:
    """Write the rows to `path`, in the format its name ends in; it is there whole or not at all.

    CSV and Parquet have a row for each dog where all were asked for, NDJSON has them in the photo's field `dogs`.

    A file name that is no UTF-8 keeps its bytes in CSV, is escaped in NDJSON, and loses them in Parquet.
    """
    hidden = path.with_name(f".{path.name}.part")
    columns = list(_flat({})) + (BOX if any("box" in row for row in rows) else [])
    if path.suffix == ".ndjson":
        hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        with hidden.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(
                {name: _cell(value) for name, value in _flat(dog).items()} for row in rows for dog in dog_rows(row)
            )
    else:
        from pyarrow import parquet

        parquet.write_table(to_arrow((dog for row in rows for dog in dog_rows(row)), columns), hidden)
    hidden.rename(path)


def dog_rows(row: ScoreRow) -> list[ScoreRow]:
    """Return a photo's row as one for each of its dogs, if they were asked for and there are any."""
    return [row | dog for dog in row.get("dogs") or [{}]]


def _cell(value: object) -> object:
    """Return a value for CSV, where text is no formula."""
    return without_formula(value) if isinstance(value, str) else value


def to_arrow(rows: Iterable[ScoreRow], columns: Sequence[str] = ()) -> pa.Table:
    """Return the rows as a table of the columns that CSV and Parquet have, by default those of photos not searched."""
    import pyarrow as pa

    kinds = {"file": pa.string(), "is_dog": pa.bool_(), "version": pa.int64(), "error": pa.string()}
    schema = pa.schema(
        [
            (name, kinds.get(name, pa.string() if name.startswith("breed") else pa.float64()))
            for name in columns or _flat({})
        ]
    )
    return pa.Table.from_pylist([_flat(row) | {"file": as_text(row["file"])} for row in rows], schema)


def as_text(file: str) -> str:
    """Return a file name as valid UTF-8."""
    return os.fsencode(file).decode("utf-8", "replace")


def from_arrow(table: pa.Table) -> Iterator[ScoreRow]:
    """Yield the rows that `to_arrow` made `table` of."""
    for flat in table.to_pylist():
        if flat["error"] is not None:
            yield {"file": flat["file"], "error": flat["error"]}
            continue
        row = {name: flat[name] for name in _LEADING}
        names = [("breed", "confidence"), *((f"breed_{place}", f"confidence_{place}") for place in range(2, TOP_K + 1))]
        row["predictions"] = [
            {"breed": flat[breed], "confidence": flat[confidence]}
            for breed, confidence in names
            if flat[breed] is not None
        ]
        yield row | {"version": flat["version"], "error": None}


def _flat(row: ScoreRow) -> ScoreRow:
    flat = {name: row.get(name) for name in _LEADING}
    predictions = row.get("predictions") or []
    for place in range(1, TOP_K):
        rest = predictions[place] if place < len(predictions) else {}
        flat |= {f"breed_{place + 1}": rest.get("breed"), f"confidence_{place + 1}": rest.get("confidence")}
    flat |= {"version": row.get("version"), "error": row.get("error")}
    return flat | dict(zip(BOX, row["box"], strict=True)) if "box" in row else flat
