"""Files of scores: CSV or Parquet with columns for the likeliest five, or NDJSON in the form of the gateway."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model_serving.errors import ScoringError
from model_serving.photos.labels import TOP_K
from model_serving.scoring.journal import ScoreRow

if TYPE_CHECKING:
    import pyarrow as pa

_LEADING = ("file", "breed", "confidence", "is_dog", "dog_probability", "familiarity")
# As the page's export has it.
FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")
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

    A file name that is no UTF-8 keeps its bytes in CSV, is escaped in NDJSON, and loses them in Parquet.
    """
    hidden = path.with_name(f".{path.name}.part")
    if path.suffix == ".ndjson":
        hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        with hidden.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, list(_flat({})))
            writer.writeheader()
            writer.writerows({name: _cell(value) for name, value in _flat(row).items()} for row in rows)
    else:
        from pyarrow import parquet

        parquet.write_table(to_arrow(rows), hidden)
    hidden.rename(path)


def _cell(value: object) -> object:
    """Return a value for CSV: text that a spreadsheet would take for a formula has an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def to_arrow(rows: Iterable[ScoreRow]) -> pa.Table:
    """Return the rows as a table of the columns that CSV and Parquet have."""
    import pyarrow as pa

    kinds = {"file": pa.string(), "is_dog": pa.bool_(), "version": pa.int64(), "error": pa.string()}
    schema = pa.schema(
        [(name, kinds.get(name, pa.string() if name.startswith("breed") else pa.float64())) for name in _flat({})]
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
    return flat | {"version": row.get("version"), "error": row.get("error")}
