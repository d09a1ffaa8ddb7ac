"""Every kind of photo given to the graph: read as the gateway reads it, or refused in words."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import tensorflow as tf

from model_serving.photos import Geometry, read_pixels
from model_serving.savedmodel import formats
from model_serving.savedmodel.decode import decode_photo
from tests.photo_kinds import (
    BAD,
    KINDS,
    ORIENTATION,
    TURNED,
    cmyk_jpeg,
    encode,
    png_chunk,
    quadrants,
    turned,
    without_adobe_marker,
)
from tests.real_serving import local_server, status, wait_until

WHOLE = Geometry(size=32, crop=1.0)
MARKS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")
# Kinds that the gateway reads and the graph refuses, by its words or those of TensorFlow's ops.
REFUSED = {
    "cmyk jpeg without adobe's marker": formats.CMYK,
    "cmyk jpeg with a profile": formats.CMYK,
    "jpeg with a million fill bytes": formats.DAMAGED,
    "png in pq": formats.HDR,
    "png cut behind its pixels": "Invalid PNG",
    "png whose picture is no frame": formats.EMPTY_PNG,
    "gif with a frame within its canvas": formats.PARTIAL_GIF,
    "jpeg cut in its end": "Invalid JPEG data",
    "webp told too long": "Failed to decode WebP image",
    "png whose first frame is empty": formats.EMPTY_PNG,
    "webp whose first frame is empty": formats.ANIMATED_WEBP,
    "bmp of run lengths without end": formats.BMP_KIND,
    "animated webp": formats.ANIMATED_WEBP,
    "gif with a transparent colour": formats.PARTIAL_GIF,
    "gif with a frame beyond its canvas": formats.PARTIAL_GIF,
    "gif whose first frame is empty": formats.PARTIAL_GIF,
    "bmp of run lengths": formats.BMP_KIND,
    "bmp of run lengths in black and white": formats.BMP_KIND,
    "bmp of run lengths and single pixels": formats.BMP_KIND,
    "bmp whose alpha is padding": formats.BMP_KIND,
}
# What only the gateway applies, as the READMEs say: colour profiles; code points and gamma of a PNG that is not HDR.
IN_OTHER_COLOURS = {
    "jpeg in display p3",
    "jpeg in adobe rgb",
    "jpeg whose profile is behind its frame",
    "grey png with a profile",
    "grey png with a profile and alpha",
    "png in display p3",
    "png in linear light",
    "png of a gamma",
}


@pytest.fixture(scope="module")
def decode() -> Callable[[bytes], np.ndarray]:
    """The graph's decoding at the geometry of the tables' tests."""
    function = tf.function(
        lambda photo: decode_photo(photo, WHOLE), input_signature=[tf.TensorSpec([], tf.string)], autograph=False
    )
    return lambda photo: function(photo).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_decode_photo_of_any_kind_agrees_with_the_gateway_or_is_refused(
    decode: Callable[[bytes], np.ndarray], kind: str
) -> None:
    """No kind of photo is read wrongly: what stock ops do not read as the gateway does is an error that says why."""
    photo = KINDS[kind][0]()
    refusal = REFUSED.get(kind, "" if photo.startswith(MARKS) else formats.UNKNOWN)
    if refusal:
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            decode(photo)
        assert refusal in str(raised.value).replace("\\'", "'")
    elif kind not in IN_OTHER_COLOURS:
        # Enlarging two pixels to 32 rounds otherwise.
        assert np.abs(decode(photo).astype(int) - np.asarray(read_pixels(photo, WHOLE), int)).mean() <= 6


@pytest.mark.parametrize(
    "kind", [kind for kind in BAD if not any(word in kind for word in ("scans", "million", "arithmetic"))]
)
def test_decode_photo_of_a_bad_photo_is_refused(decode: Callable[[bytes], np.ndarray], kind: str) -> None:
    """The graph refuses what the gateway refuses, except what it can read and only costs more."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(BAD[kind][0]())


@pytest.mark.parametrize("kind", [kind for kind in TURNED if kind in ("JPEG", "PNG", "WEBP", "MPO")])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_photo_of_a_turned_photo_gives_it_upright(
    decode: Callable[[bytes], np.ndarray], kind: str, orientation: int
) -> None:
    """All eight EXIF orientations come out as the gateway turns them, in every format that carries them."""
    image, exif = turned(orientation)
    photo = encode(image, kind, exif=exif.tobytes())
    assert np.abs(decode(photo).astype(int) - np.asarray(read_pixels(photo, WHOLE), int)).mean() <= 1


def test_decode_photo_ignores_the_orientation_of_a_thumbnail(decode: Callable[[bytes], np.ndarray]) -> None:
    """The photo is turned by its own directory of EXIF, and not by the one of a thumbnail in it."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, 6, 0)
    empty, thumbnail = struct.pack(">HI", 0, 14), struct.pack(">H", 1) + entry + bytes(4)
    photo = encode(quadrants(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + empty + thumbnail)
    assert np.abs(decode(photo).astype(int) - np.asarray(read_pixels(photo, WHOLE), int)).mean() <= 1


def test_decode_photo_finds_exif_behind_a_large_segment(decode: Callable[[bytes], np.ndarray]) -> None:
    """The EXIF counts wherever it stands before the pixels, however much metadata comes first."""
    image, exif = turned(6)
    photo = encode(image, "JPEG", exif=exif.tobytes())
    comment = b"\xff\xfe" + (65_002).to_bytes(2) + b"Exif\0\0II*\0" * 6_500
    late = photo[:2] + comment * 3 + photo[2:]
    assert np.array_equal(decode(late), decode(photo))
    assert not np.array_equal(decode(late), decode(encode(image, "JPEG")))


def test_decode_photo_of_any_head_is_refused_without_its_bytes(decode: Callable[[bytes], np.ndarray]) -> None:
    """A file that breaks off in its head is an error of the photo, whose message does not quote the photo."""
    for mark in (*MARKS, b"RIFF0000WEBPVP8X", b"RIFF0000WEBPVP8L", b"GIF89a", b"\xff\xd8\xff\xe1\xff\xff"):
        for rest in range(40):
            photo = mark + b"\xf3secret"[:rest] + bytes(max(0, rest - 7))
            with pytest.raises(tf.errors.InvalidArgumentError) as raised:
                decode(photo)
            assert "secret" not in str(raised.value)


@pytest.fixture(scope="module")
def rest(starter_model: Path, free_ports: Callable[[int], list[int]]) -> Iterator[Callable[[bytes], httpx.Response]]:
    """A client of the starter's `serving_default` over REST, on the real local server."""
    port, rest_port = free_ports(2)
    model = "/v1/models/dog_breed"
    with (
        local_server(starter_model, port, f"--rest_api_port={rest_port}"),
        httpx.Client(base_url=f"http://127.0.0.1:{rest_port}", timeout=60) as client,
    ):

        def predict(photo: bytes) -> httpx.Response:
            return client.post(f"{model}:predict", json={"instances": [{"b64": base64.b64encode(photo).decode()}]})

        wait_until(lambda: status(client, model) == 200)
        yield predict


REFUSED_PHOTOS = {
    "palette bmp": (lambda: encode(quadrants().convert("P"), "BMP"), formats.BMP_KIND),
    "bmp of 32 bits": (lambda: encode(quadrants().convert("RGBA"), "BMP"), formats.BMP_KIND),
    "animated webp": (KINDS["animated webp"][0], formats.ANIMATED_WEBP),
    "transparent gif": (KINDS["gif with a transparent colour"][0], formats.PARTIAL_GIF),
    "hdr png": (KINDS["png in pq"][0], formats.HDR),
    "cmyk jpeg": (lambda: without_adobe_marker(cmyk_jpeg()), formats.CMYK),
    "too large": (lambda: png_of(30_000, 30_000), formats.TOO_LARGE),
    "tiff": (KINDS["tiff in strips"][0], formats.UNKNOWN),
}


def png_of(width: int, height: int) -> bytes:
    """Return a PNG without pixels that announces a size."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT") + png_chunk(b"IEND")


@pytest.mark.parametrize("kind", REFUSED_PHOTOS)
def test_local_server_refuses_what_the_graph_would_read_wrongly(
    rest: Callable[[bytes], httpx.Response], kind: str
) -> None:
    """Over REST a refusal is 400 with the graph's words, as for any INVALID_ARGUMENT of TensorFlow Serving."""
    make, words = REFUSED_PHOTOS[kind]
    response = rest(make())
    assert response.status_code == 400, response.text
    assert words in response.json()["error"].replace("\\'", "'")


def test_local_server_answers_the_photos_of_the_five_formats(rest: Callable[[bytes], httpx.Response]) -> None:
    """After all refusals each format that the README names is answered, with nearly the same probabilities."""
    answers = [
        rest(encode(quadrants(), kind, **options)).json()["predictions"][0]["probabilities"]
        for kind, options in (
            ("PNG", {}),
            ("BMP", {}),
            ("GIF", {}),
            ("WEBP", {"lossless": True}),
            ("JPEG", {"quality": 100, "subsampling": 0}),
        )
    ]
    assert np.abs(np.array(answers) - answers[0]).max() < 0.02


@pytest.mark.parametrize("kind", REFUSED_PHOTOS)
def test_plain_tensorflow_refuses_with_the_same_words(starter: Callable[[bytes], object], kind: str) -> None:
    """The refusal is the graph's own, whoever runs it."""
    make, words = REFUSED_PHOTOS[kind]
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        starter(make())
    assert words in str(raised.value).replace("\\'", "'")


@pytest.fixture(scope="module")
def starter(starter_model: Path) -> Callable[[bytes], object]:
    """The starter's `serving_default`, run by TensorFlow."""
    loaded = tf.saved_model.load(str(starter_model / "1"))
    return lambda photo: loaded.signatures["serving_default"](image_bytes=tf.constant([photo]))
