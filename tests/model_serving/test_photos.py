"""Every kind of photo gives the right pixels, or an error that says what is wrong with it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_serving.photos import (
    Geometry,
    PhotoError,
    TooManyPixelsError,
    UnsupportedPhotoError,
    opening,
    read_pixels,
    read_shrunk,
)
from tests.photo_kinds import (
    BAD,
    BLUE,
    GREEN,
    KINDS,
    RED,
    TURNED,
    WHITE,
    bmp_of_runs,
    encode,
    halves,
    looks,
    quadrants,
    srgb_profile,
    turned,
)

WHOLE = Geometry(size=32, crop=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_read_pixels_of_any_kind_gives_the_colours_seen(kind: str) -> None:
    """The model sees the colours a person sees on white, whatever the mode, depth, palette, profile or transparency."""
    make, left, right = KINDS[kind]
    pixels = read_pixels(make(), WHOLE)
    assert (pixels.mode, pixels.size) == ("RGB", (32, 32))
    assert np.abs(looks(pixels) - [left, right, left, right]).max() <= 6


@pytest.mark.parametrize("kind", TURNED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_pixels_of_a_turned_photo_gives_it_upright(kind: str, orientation: int) -> None:
    """All eight EXIF orientations come out upright, once, in every format that carries them."""
    image, exif = turned(orientation)
    pixels = read_pixels(encode(image, kind, exif=exif.tobytes()), WHOLE)
    assert np.abs(looks(pixels) - [RED, GREEN, BLUE, WHITE]).max() <= 6


@pytest.mark.parametrize("kind", TURNED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_shrunk_of_a_turned_photo_gives_all_of_it_upright(kind: str, orientation: int) -> None:
    """The whole of a photo is upright and of bounded size, in its own proportions, with nothing beside its pixels."""
    image, exif = turned(orientation)
    pixels = read_shrunk(encode(image, kind, exif=exif.tobytes()), long_side=32)
    assert (pixels.size, pixels.mode, pixels.info) == ((32, 21), "RGB", {})
    assert np.abs(looks(pixels.resize((32, 32))) - [RED, GREEN, BLUE, WHITE]).max() <= 6


@pytest.mark.parametrize("kind", KINDS)
def test_read_shrunk_of_any_kind_gives_the_colours_seen(kind: str) -> None:
    """A photo that is kept has the colours that the model saw."""
    make, left, right = KINDS[kind]
    pixels = read_shrunk(make(), long_side=32)
    assert np.abs(looks(pixels.resize((32, 32))) - [left, right, left, right]).max() <= 6


def test_read_shrunk_of_a_wide_photo_keeps_its_proportions() -> None:
    """Neither is a wide photo cut to a square, nor a small one enlarged."""
    photo = encode(Image.new("RGB", (300, 100)), "JPEG")
    assert read_shrunk(photo, long_side=90).size == (90, 30)
    assert read_shrunk(photo, long_side=900).size == (300, 100)


def test_read_pixels_of_a_heic_ignores_a_turn_that_only_exif_tells() -> None:
    """A HEIC is turned by its container, and its EXIF, which repeats that turn, is not followed a second time."""
    _, exif = turned(6)
    pixels = read_pixels(encode(quadrants(), "HEIF", exif=exif), WHOLE)  # the writer reads no turn out of an `Exif`
    assert np.abs(looks(pixels) - [RED, GREEN, BLUE, WHITE]).max() <= 6


def test_read_pixels_sees_the_central_square_only() -> None:
    """Pixels outside the central crop, as large as the card says, do not reach the model."""
    image = Image.new("RGB", (200, 100), RED)
    image.paste(BLUE, (54, 4, 146, 96))  # the crop of 80 pixels, and what the resize takes from beyond its edge
    assert read_pixels(encode(image), Geometry(size=16, crop=0.8)).getcolors() == [(256, BLUE)]


def test_read_pixels_of_a_run_length_coded_bmp_begins_at_the_end_that_its_height_tells() -> None:
    """The first row of codes is the lowest of the picture, or with a negative height the uppermost."""
    upwards = bmp_of_runs(b"\4\0\0\0" * 2 + b"\4\1\0\0" * 2 + b"\0\1")
    downwards = upwards[:22] + (-4).to_bytes(4, "little", signed=True) + upwards[26:]
    assert looks(read_pixels(upwards, WHOLE)).tolist() == [list(BLUE)] * 2 + [list(RED)] * 2
    assert looks(read_pixels(downwards, WHOLE)).tolist() == [list(RED)] * 2 + [list(BLUE)] * 2


def test_read_pixels_with_a_colour_profile_gives_srgb() -> None:
    """A photo's colour profile is applied: under one that swaps red and blue, stored red is seen as blue."""
    swapped = srgb_profile().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    photo = encode(halves(RED, GREEN), icc_profile=swapped)
    assert np.abs(looks(read_pixels(photo, WHOLE)) - [BLUE, GREEN, BLUE, GREEN]).max() <= 6


@pytest.mark.parametrize("size", [(1021, 733), (301, 2003)])
def test_read_pixels_in_bands_gives_what_the_whole_gives(size: tuple[int, int]) -> None:
    """Converting a photo with alpha band by band, for its memory, gives what the whole gives, but for rounding."""
    values = np.random.default_rng(2).integers(0, 256, (*size[::-1], 4), np.uint8)
    image, geometry = Image.fromarray(values), Geometry(size=100, crop=0.89)
    whole = image.resize((100, 100), Image.Resampling.BICUBIC, box=geometry.box(*size))
    expected = Image.new("RGB", whole.size, "white")
    expected.paste(whole, mask=whole)
    difference = np.abs(np.asarray(read_pixels(encode(image, compress_level=1), geometry), int) - expected)
    assert difference.max() <= 3
    assert difference.mean() < 0.5


@pytest.mark.parametrize("size", [224, 260])
def test_read_pixels_of_scaled_jpegs_stays_within_one_grey_level(shared_images: Path, size: int) -> None:
    """Letting the decoder scale photos of 12 megapixels changes them by less than 1 of 255 grey levels on average."""
    geometry = Geometry(size=size, crop=1.0)
    for path in sorted((shared_images / "dogs").glob("*.jpg"))[:3]:
        with Image.open(path) as image:
            large = image.convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
        photo = encode(large, "JPEG", quality=90)
        with Image.open(io.BytesIO(photo)) as image:
            whole = image.resize((size, size), Image.Resampling.BICUBIC, box=geometry.box(*image.size))
        seen = read_pixels(photo, geometry)
        assert seen != whole, "the decoder did not scale"
        assert np.abs(np.asarray(seen, float) - np.asarray(whole, float)).mean() < 1, path.name


def test_read_pixels_of_scaled_real_photos_stays_within_one_grey_level(shared_images: Path) -> None:
    """The same holds of photos as they were taken, at a size so small that they are scaled while they decode."""
    geometry = Geometry(size=100, crop=0.89)
    scaled = 0
    for path in sorted((shared_images / "dogs").glob("*.jpg")) + sorted((shared_images / "udacity133").glob("*.jpg")):
        photo = path.read_bytes()
        with Image.open(path) as image:
            if "icc_profile" in image.info:
                continue
            scaled += min(image.size) >= 4 * geometry.size / geometry.crop
            exact = read_pixels(encode(image), geometry)  # as a PNG, which is always decoded in full
        seen = read_pixels(photo, geometry)
        assert np.abs(np.asarray(seen, float) - np.asarray(exact, float)).mean() < 1, path.name
    assert scaled > 20


@pytest.mark.parametrize("kind", BAD)
def test_read_pixels_of_a_bad_photo_raises_its_error(kind: str) -> None:
    """An unreadable photo raises the error of its kind, with a sentence and nothing of the decoder's own words."""
    make, expected = BAD[kind]
    with pytest.raises(PhotoError) as raised:
        read_pixels(make(), WHOLE)
    assert type(raised.value) is expected
    assert "Please" in str(raised.value)


def test_read_pixels_of_a_heic_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A HEIC is refused without the extra `heic`, in a sentence that tells how to send it."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    opening._heif_formats.cache_clear()
    with pytest.raises(UnsupportedPhotoError, match="send it as a JPEG"):
        read_pixels(KINDS["heic"][0](), WHOLE)
    assert read_pixels(KINDS["avif"][0](), WHOLE).size == (32, 32)


def test_read_pixels_at_the_limit_is_allowed() -> None:
    """The limit is the largest photo that is read, to the pixel, and the error names it."""
    photo = encode(Image.new("L", (100, 100)))
    assert read_pixels(photo, WHOLE, max_pixels=10_000).size == (32, 32)
    with pytest.raises(TooManyPixelsError, match=r"0\.009999 million"):
        read_pixels(photo, WHOLE, max_pixels=9_999)
