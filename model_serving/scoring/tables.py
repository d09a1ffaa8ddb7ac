"""The answers as a file: CSV or Parquet with columns for the likeliest five, or NDJSON as the gateway answers."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

from model_serving.errors import ScoringError
from model_serving.scoring.journal import Row

FORMATS = (".csv", ".ndjson", ".parquet")
TOP = 5


def check(path: Path) -> None:
    """Raise `ScoringError` if no file can be written as `path`: said before the work rather than after it."""
    if path.suffix not in FORMATS:
        raise ScoringError(f"{path.name!r} ends in none of {', '.join(FORMATS)}, which tell the format.")
    if path.exists():
        raise ScoringError(f"{str(path)!r} is there already. Remove it or name another file.")
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ScoringError("Parquet needs a package: pip install 'dog-breed-detector[parquet]'.") from error


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows to `path`, in the format its name ends in; it is there whole or not at all.

    A file name that is no UTF-8 keeps its bytes in CSV, is escaped in NDJSON, and loses them in Parquet.
    """
    hidden = path.with_name(f".{path.name}.part")
    if path.suffix == ".ndjson":
        hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        with hidden.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, list(_flat({})))
            writer.writeheader()
            writer.writerows(map(_flat, rows))
    else:
        _write_parquet(hidden, rows)
    hidden.rename(path)


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"file": pa.string(), "is_dog": pa.bool_(), "version": pa.int64(), "error": pa.string()}
    schema = pa.schema(
        [(name, kinds.get(name, pa.string() if name.startswith("breed") else pa.float64())) for name in _flat({})]
    )
    table = [_flat(row) | {"file": os.fsencode(row["file"]).decode("utf-8", "replace")} for row in rows]
    parquet.write_table(pa.Table.from_pylist(table, schema), path)


def _flat(row: Row) -> Row:
    flat = {name: row.get(name) for name in ("file", "breed", "confidence", "is_dog", "dog_probability")}
    predictions = row.get("predictions") or []
    for place in range(1, TOP):
        rest = predictions[place] if place < len(predictions) else {}
        flat |= {f"breed_{place + 1}": rest.get("breed"), f"confidence_{place + 1}": rest.get("confidence")}
    return flat | {"version": row.get("version"), "error": row.get("error")}
