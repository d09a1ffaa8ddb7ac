"""Features of photos under a frozen backbone, computed once a photo and kept on disk by content."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.backbones import Backbone
from model_serving.data.batches import decoded_batches
from model_serving.data.dataset import LabelledPhoto
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
        self._backbone = backbone_fingerprint
        # Two trainers may share the file; each waits for the other's short writes.
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
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

    def put(self, photos: Sequence[str | None], values: np.ndarray) -> None:
        """Keep one row of features for each photo, all or none of them."""
        rows = [(photo, self._backbone, value.tobytes()) for photo, value in zip(photos, values, strict=True)]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR IGNORE INTO features VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def extract_features(backbone: Backbone, photos: Sequence[LabelledPhoto], cache: FeatureCache, what: str) -> Features:
    """Return the features of `photos`, computing those that the cache lacks, with a progress line titled `what`.

    A photo that cannot be read is left out and named in `skipped`.
    """
    known = {photo.digest: value for photo in photos if (value := cache.get(photo.digest)) is not None}
    missing = list({photo.digest: photo for photo in photos if photo.digest not in known}.values())
    reasons: dict[str | None, str] = {None: "the file cannot be read"}
    with progress(len(photos), what, "photo", done=len(photos) - len(missing)) as bar:
        digest_of = {photo.path: photo.digest for photo in missing}
        for decoded in decoded_batches(list(digest_of), backbone.geometry):
            results = {digest_of[path]: result for path, result in decoded}
            pixels = {digest: result for digest, result in results.items() if isinstance(result, np.ndarray)}
            reasons |= {digest: str(error) for digest, error in results.items() if isinstance(error, Exception)}
            if pixels:
                digests, values = list(pixels), backbone.pooled(np.stack(list(pixels.values()))).numpy()
                cache.put(digests, values)
                known.update(zip(digests, values, strict=True))
            bar.update(len(decoded))
    used = [photo for photo in photos if photo.digest in known]
    nothing = np.empty((0, backbone.network.output_shape[-1]), np.float32)
    values = np.stack([known[photo.digest] for photo in used]) if used else nothing
    skipped = [(photo.path, reasons[photo.digest]) for photo in photos if photo.digest not in known]
    return Features(values, used, skipped)
