"""A Ray cluster of two workers on this machine, and photos for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_serving.distributed.cluster import cluster


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[int]:
    """Start Ray for the tests of a module, lest it go on beside all others; return how many workers it has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        with cluster(2) as workers:
            yield workers


@pytest.fixture(scope="session")
def small_photos(shared_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 160 real photos of 64x64 pixels, with names that a URL would take apart."""
    folder = tmp_path_factory.mktemp("photos")
    files = sorted((shared_images / "dogs64" / "valid").rglob("*.*"))[::8][:160]
    for number, file in enumerate(files):
        target = folder / f"a b#{number % 3}?%20" / f"{number}{file.suffix}"
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(file)
    return folder
