"""Photos decoded in the graph, held against the same photos decoded by Pillow."""

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model_serving.photos import MAX_PIXELS, Geometry, read_pixels
from model_serving.savedmodel.decode import decode_photo

GEOMETRY = Geometry(size=224, crop=0.9)
GREY_LEVEL = 1.0  # the contract: on average no more than this apart


@pytest.fixture(scope="module")
def decode() -> Callable[[bytes], np.ndarray]:
    function = tf.function(
        lambda photo: decode_photo(photo, GEOMETRY), input_signature=[tf.TensorSpec([], tf.string)], autograph=False
    )
    return lambda photo: function(photo).numpy()


def picture(mode: str = "RGB") -> Image.Image:
    """Draw a picture without symmetry, in all colours, with a gradient of transparency if `mode` has alpha."""
    bands = [Image.radial_gradient("L"), Image.linear_gradient("L"), Image.linear_gradient("L").rotate(90)]
    image = Image.merge("RGB", bands).resize((400, 300), box=(0, 0, 200, 256)).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_orientation(orientation: int, endian: str) -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    exif[0x0112] = orientation
    return encoded(picture(), "JPEG", quality=95, exif=exif)


CASES = {
    **{f"{kind} RGB": encoded(picture(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP")},
    "progressive JPEG": encoded(picture(), "JPEG", progressive=True),
    "grey JPEG": encoded(picture("L"), "JPEG"),
    "CMYK JPEG": encoded(picture("CMYK"), "JPEG", quality=95),
    "grey PNG": encoded(picture("L"), "PNG"),
    "palette PNG": encoded(picture("P"), "PNG"),
    "transparent PNG": encoded(picture("RGBA"), "PNG"),
    "transparent grey PNG": encoded(picture("LA"), "PNG"),
    "transparent WebP": encoded(picture("RGBA"), "WEBP", lossless=True),
    "16-bit PNG": encoded(Image.fromarray(np.asarray(picture("L")).astype(np.uint16) * 257), "PNG"),
    **{
        f"orientation {number} {endian}": with_orientation(number, endian)
        for number in range(1, 9)
        for endian in ("<", ">")
    },
}


@pytest.mark.parametrize("photo", CASES.values(), ids=CASES.keys())
def test_decode_photo_agrees_with_pillow(decode: Callable[[bytes], np.ndarray], photo: bytes) -> None:
    """The graph sees the same pixels as gateway and trainer, upright and with transparency on white."""
    expected = np.asarray(read_pixels(photo, GEOMETRY)).astype(int)
    assert np.abs(decode(photo).astype(int) - expected).mean() <= GREY_LEVEL


def test_decode_photo_agrees_with_pillow_on_real_photos(
    decode: Callable[[bytes], np.ndarray], shared_images: Path
) -> None:
    """On photos as cameras make them, graph and gateway are within a grey level on average, over all of them."""
    differences = []
    for path in sorted((shared_images / "udacity133").glob("*.jpg")):
        expected = np.asarray(read_pixels(path.read_bytes(), GEOMETRY)).astype(int)
        differences.append(np.abs(decode(path.read_bytes()).astype(int) - expected).mean())
    assert len(differences) == 66
    assert np.mean(differences) <= GREY_LEVEL / 2


def test_decode_photo_of_damaged_bytes_is_an_error(decode: Callable[[bytes], np.ndarray]) -> None:
    """Bytes that are no image fail the call; they do not become some picture."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(b"certainly no photo")


def test_decode_photo_of_too_many_pixels_is_an_error(decode: Callable[[bytes], np.ndarray]) -> None:
    """A small file that unfolds into a huge picture is refused here as in the gateway."""
    side = math.isqrt(MAX_PIXELS) + 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="52 million pixels"):
        decode(encoded(Image.new("L", (side, side)), "PNG"))
