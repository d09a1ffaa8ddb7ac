"""Features of photos under a frozen backbone, computed once a photo and kept on disk by content."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.backbones import Backbone
from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.data.dataset import LabelledPhoto
from model_serving.data.files import read_file
from model_serving.errors import StorageError
from model_serving.progress import progress


@dataclass(frozen=True)
class Features:
    """Pooled features float32 [N, features] of N photos, and the photos that could not be read."""

    values: np.ndarray
    photos: list[LabelledPhoto]
    skipped: list[tuple[Path, str]]


class FeatureCache:
    """A SQLite file of features by photo content and backbone: what was computed before an interruption is kept."""

    def __init__(self, path: Path, backbone_fingerprint: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._backbone = path, backbone_fingerprint
        with self._naming_the_file():
            self._open()

    def _open(self) -> None:
        # Two trainers may share the file; each waits for the other's short writes.
        self._db = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A process killed at any moment loses no batch that was put; a loss of power may cost the last few.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS features (photo TEXT, backbone TEXT, value BLOB, PRIMARY KEY (photo, backbone))"
        )

    def get(self, photo: str | None) -> np.ndarray | None:
        """Return the features of the photo with this content hash, or None if they are not there yet."""
        query = "SELECT value FROM features WHERE photo = ? AND backbone = ?"
        row = self._db.execute(query, (photo, self._backbone)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)

    def put(self, photos: Sequence[str | None], values: Sequence[np.ndarray]) -> None:
        """Keep one row of features for each photo, all or none of them."""
        rows = [(photo, self._backbone, value.tobytes()) for photo, value in zip(photos, values, strict=True)]
        with self._naming_the_file():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO features VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"No features can be kept in {str(self._path)!r}: {error}. Make room there, or name another file with "
                "--cache. What it holds is kept."
            ) from error


# A photo's file with its features float32 [features], or with the error that kept it from being read.
Pooled = tuple[Path, np.ndarray | Exception]
# What computes them: a list for each batch, in whatever order.
Pooling = Callable[[Backbone, Sequence[Path]], Iterator[list[Pooled]]]


def pool_here(backbone: Backbone, paths: Sequence[Path]) -> Iterator[list[Pooled]]:
    """Yield the features of each photo, computed in this process while the next batch is decoded."""
    for decoded in decoded_batches(paths, backbone.geometry):
        yield pool(backbone, decoded)


def pool(backbone: Backbone, decoded: Sequence[tuple[Path, np.ndarray | Exception]]) -> list[Pooled]:
    """Return the features of a batch of decoded photos; errors stay what they are."""
    return map_decoded(decoded, lambda pixels: backbone.pooled(pixels).numpy())


def extract_features(
    backbone: Backbone,
    photos: Sequence[LabelledPhoto],
    cache: FeatureCache,
    what: str,
    pooling: Pooling = pool_here,
) -> Features:
    """Return the features of `photos`, computing those that the cache lacks, with a progress line titled `what`.

    A photo that cannot be read is left out and named in `skipped`.
    """
    known = {photo.digest: value for photo in photos if (value := cache.get(photo.digest)) is not None}
    missing = list({photo.digest: photo for photo in photos if photo.digest not in known}.values())
    reasons: dict[str | None, str] = {}
    with progress(len(photos), what, "photo", done=len(photos) - len(missing)) as bar:
        digest_of = {photo.path: photo.digest for photo in missing}
        for results in pooling(backbone, list(digest_of)):
            values = {digest_of[path]: result for path, result in results if isinstance(result, np.ndarray)}
            reasons |= {digest_of[path]: str(result) for path, result in results if isinstance(result, Exception)}
            if values:
                cache.put(list(values), list(values.values()))
                known |= values
            bar.update(len(results))
    used = [photo for photo in photos if photo.digest in known]
    nothing = np.empty((0, backbone.network.output_shape[-1]), np.float32)
    features = np.stack([known[photo.digest] for photo in used]) if used else nothing
    skipped = [
        (photo.path, reasons[photo.digest] if photo.digest else _why_unreadable(photo.path))
        for photo in photos
        if photo.digest not in known
    ]
    return Features(features, used, skipped)


def _why_unreadable(path: Path) -> str:
    try:
        read_file(path)
    except OSError as error:
        return str(error)
    return "the file could not be read at first"
