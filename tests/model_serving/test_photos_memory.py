"""Reading a photo takes bounded memory, as is said beside the limit of pixels; refusing a bomb takes next to none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from model_serving.photos import MAX_PIXELS
from tests.photo_kinds import BAD, encode

# Large beside what the libraries take once, small enough to be read in a second.
SIDE = 2800
COLOUR = (200, 100, 50, 100)
# Of the encoder of HEIC, which else takes ten times as long as reading.
FAST = {"preset": "ultrafast"}

# Prints by how much the peak of resident memory grew while the photo of the file was read.
MEASURE = """
import resource, sys
from pathlib import Path
from model_serving.photos import Geometry, PhotoError, read_pixels
from tests.photo_kinds import KINDS

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

geometry = Geometry(size=224, crop=1.0)
for make in (KINDS[kind][0] for kind in ("jpeg", "hidden colour", "webp", "avif", "heic", "cmyk tiff", "palette")):
    read_pixels(make(), geometry)
photo = Path(sys.argv[1]).read_bytes()
before = peak()
try:
    read_pixels(photo, geometry)
except PhotoError as error:
    print(type(error).__name__, end=" ")
print(peak() - before)
"""


def grown_by(photo: bytes, folder: Path) -> list[str]:
    path = folder / "photo"
    path.write_bytes(photo)
    return subprocess.run(
        [sys.executable, "-c", MEASURE, path],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    ).stdout.split()


def large(mode: str, kind: str, **options: object) -> bytes:
    colours = {"RGBA": COLOUR, "RGB": COLOUR[:3], "LA": (100, 100), "CMYK": COLOUR, "I;16": 30_000, "P": 1}
    return encode(Image.new(mode, (SIDE, SIDE), colours[mode]), kind, **options)


# name: (photo, bytes a pixel while it is read)
LARGE: dict[str, tuple[Callable[[], bytes], int]] = {
    "jpeg": (lambda: large("RGB", "JPEG"), 1),
    "progressive jpeg": (lambda: large("RGB", "JPEG", progressive=True, subsampling=0), 7),
    "progressive cmyk jpeg": (lambda: large("CMYK", "JPEG", progressive=True), 9),
    "png": (lambda: large("RGB", "PNG", compress_level=1), 5),
    "png with alpha": (lambda: large("RGBA", "PNG", compress_level=1), 5),
    "grey png with alpha": (lambda: large("LA", "PNG", compress_level=1), 5),
    "16 bit png": (lambda: large("I;16", "PNG", compress_level=1), 3),
    "palette with alpha": (lambda: large("P", "PNG", transparency=0, compress_level=1), 2),
    "16 bit tiff": (lambda: large("I;16", "TIFF", compression="tiff_lzw"), 3),
    "tiff in one strip": (lambda: large("RGBA", "TIFF", compression="tiff_lzw", strip_size=1 << 30), 9),
    "gif": (lambda: large("P", "GIF", transparency=0), 2),
    "webp": (lambda: large("RGB", "WEBP", method=0), 17),
    "webp with alpha": (lambda: large("RGBA", "WEBP", lossless=True, method=0, quality=0), 17),
    "avif with alpha": (lambda: large("RGBA", "AVIF", speed=10, subsampling="4:4:4"), 15),
    "heic": (lambda: large("RGB", "HEIF", quality=50, enc_params=dict(FAST)), 10),
    "heic with alpha": (lambda: large("RGBA", "HEIF", quality=50, chroma=444, enc_params=dict(FAST)), 15),
}


@pytest.mark.parametrize("kind", LARGE)
def test_read_pixels_of_a_large_photo_takes_bounded_memory(kind: str, tmp_path: Path) -> None:
    """The peak of resident memory grows by so many bytes a pixel, whatever the mode the photo is decoded to."""
    make, most = LARGE[kind]
    (grown,) = grown_by(make(), tmp_path)
    assert int(grown) < most * SIDE**2


@pytest.mark.parametrize("kind", [name for name in BAD if "bomb" in name or "gigabyte" in name or "scans" in name])
def test_read_pixels_of_a_bomb_takes_next_to_no_memory(kind: str, tmp_path: Path) -> None:
    """A bomb is refused from its header: nothing is allocated for the pixels, or the gigabytes, that it announces."""
    error, grown = grown_by(BAD[kind][0](), tmp_path)
    assert error == BAD[kind][1].__name__
    assert int(grown) < MAX_PIXELS  # bytes: less than one a pixel of the largest photo that is read
