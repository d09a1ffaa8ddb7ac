"""Input size that suits backbone and photos."""

import os
from pathlib import Path

import pytest
from PIL import Image

from dog_breed.command import main
from model_serving.data.dataset import LabelledPhoto
from model_serving.training.input_size import suitable_size


def photos_of(folder: Path, sides: list[int]) -> list[LabelledPhoto]:
    for number, side in enumerate(sides):
        Image.new("RGB", (side + 100, side)).save(folder / f"{number}.png")
    return [LabelledPhoto(folder / f"{number}.png", "Pug") for number in range(len(sides))]


@pytest.mark.parametrize(("sides", "size"), [([500, 400, 64], 340), ([64, 80, 500], 260), ([260], 340), ([], 340)])
def test_suitable_size_is_smaller_where_photos_are_small(tmp_path: Path, sides: list[int], size: int) -> None:
    """Most photos decide: enlarging what is smaller than the network's training size gains nothing."""
    assert suitable_size(photos_of(tmp_path, sides), "efficientnet_lite2") == size


def test_suitable_size_passes_over_broken_photos(tmp_path: Path) -> None:
    """Files that cannot be read say nothing about the size."""
    photos = photos_of(tmp_path, [64])
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    os.mkfifo(tmp_path / "pipe.jpg")  # to wait for one would be to wait for ever
    broken = [LabelledPhoto(tmp_path / name, "Pug") for name in ("broken.jpg", "gone.jpg", "pipe.jpg")]
    assert suitable_size([*broken, *photos], "efficientnet_lite2") == 260


@pytest.mark.parametrize("size", ["0", "63", "1025", "340.5", "large"])
def test_export_refuses_a_size_beyond_the_limits(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A size that no network takes is told at once, with those that do."""
    with pytest.raises(SystemExit):
        main(["export", "--size", size])
    assert f"{size!r} is no size; sizes are 64 to 1024 pixels" in capsys.readouterr().err
