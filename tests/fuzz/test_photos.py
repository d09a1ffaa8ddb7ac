"""Some thousands of mutated photos, the same in every run; `python -m tests.fuzz.photos` feeds as many as one likes."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.photos import fuzz


def test_read_pixels_of_mutated_photos_gives_pixels_or_a_photo_error(tmp_path: Path) -> None:
    """No mutation of any kind of photo crashes a decoder, hangs it, swells its memory or raises anything else."""
    outcomes = fuzz(4_000, seed=11, folder=tmp_path)
    assert {outcome for outcome in outcomes if outcome.startswith("failure")} == set()
    assert outcomes["pixels"] > 400
    assert outcomes["DamagedPhotoError"] > 400
