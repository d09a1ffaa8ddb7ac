"""Uploads hold a photo's picture, upright and no larger than needed, and nothing else."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

SECRETS = [b"GPS-51.4778", b"Canon of Alice", b"2026:11:25", b"my garden"]


def picture(width: int, height: int) -> Image.Image:
    """Draw a photo, red at the top left."""
    image = Image.new("RGB", (width, height), (30, 120, 30))
    image.paste((200, 30, 30), (0, 0, width // 2, height // 2))
    return image


def jpeg(width: int = 400, height: int = 300, orientation: int | None = None) -> bytes:
    """Return a JPEG with all that a phone writes into one: Exif, XMP, IPTC, a comment, a second picture behind it."""
    exif = Image.Exif()
    exif[0x010F] = "Canon of Alice"
    exif[0x0132] = "2026:11:25 10:00:00"
    exif.get_ifd(0x8825)[0x001D] = "GPS-51.4778"
    if orientation:
        exif[0x0112] = orientation
    file = io.BytesIO()
    picture(width, height).save(file, "JPEG", exif=exif if orientation else b"", comment=b"my garden", quality=90)
    plain = file.getvalue()
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x>GPS-51.4778</x>"
    iptc = b"Photoshop 3.0\0my garden"
    more = b"".join(struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in [(0xE1, xmp), (0xED, iptc)])
    return plain[:2] + more + plain[2:] + b"\xff\xd8 another picture, GPS-51.4778"


def png() -> bytes:
    """Return a PNG with a text of each kind, half of it transparent."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Location", "GPS-51.4778")
    texts.add_itxt("Comment", "my garden")
    image = picture(400, 300).convert("RGBA")
    image.paste((0, 0, 0, 0), (200, 0, 400, 300))
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=texts)
    return file.getvalue()


def webp() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Canon of Alice"
    file = io.BytesIO()
    picture(400, 300).save(file, "WEBP", exif=exif, xmp=b"<x>my garden</x>", lossless=True)
    return file.getvalue()


@pytest.fixture
def send(page: Page, gateway: Any) -> Callable[[str, bytes], bytes]:
    """Return a function that has the page read a photo, and returns the bytes that reached the gateway."""

    def through_page(name: str, photo: bytes) -> bytes:
        page.goto("/")
        page.set_input_files("#photos", [{"name": name, "mimeType": "", "buffer": photo}])
        expect(page.locator("[data-status=read]")).to_have_count(1)
        return bytes(gateway.photos[-1][1])

    return through_page


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("small.jpg", jpeg()),
        ("upright.jpg", jpeg(orientation=1)),
        ("turned.jpg", jpeg(orientation=6)),
        ("large.jpg", jpeg(4000, 3000, orientation=1)),
        ("text.png", png()),
        ("exif.webp", webp()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_send_photo_leaves_metadata_out(send: Callable[[str, bytes], bytes], name: str, photo: bytes) -> None:
    """Neither place nor time nor camera nor any other note in a photo leaves the browser."""
    assert any(secret in photo for secret in SECRETS)
    sent = send(name, photo)
    assert not any(secret in sent for secret in SECRETS)
    image = Image.open(io.BytesIO(sent))
    assert not image.getexif()
    assert not image.info.keys() & {"exif", "xmp", "comment", "photoshop", "Location", "Comment"}


def test_send_small_photo_keeps_every_pixel(send: Callable[[str, bytes], bytes]) -> None:
    """A small photo loses nothing: each of its pixels counts for the model."""
    for name, photo in (("small.jpg", jpeg()), ("upright.jpg", jpeg(orientation=1)), ("text.webp", webp())):
        sent = Image.open(io.BytesIO(send(name, photo))).convert("RGB")
        assert np.array_equal(np.asarray(sent), np.asarray(Image.open(io.BytesIO(photo)).convert("RGB")))


def test_send_turned_photo_is_upright(send: Callable[[str, bytes], bytes]) -> None:
    """A photo that the camera stored on its side is sent as it was seen, small or large."""
    for width, height, size in ((400, 300, (300, 400)), (4000, 3000, (1150, 1533))):
        sent = Image.open(io.BytesIO(send("turned.jpg", jpeg(width, height, orientation=6)))).convert("RGB")
        assert sent.size == size
        assert sent.getpixel((size[0] - 5, 5)) == pytest.approx((200, 30, 30), abs=6)


def test_send_small_upright_jpeg_as_a_jpeg(send: Callable[[str, bytes], bytes]) -> None:
    """A JPEG that need not be turned is not drawn anew, which would make it several times as large."""
    photo = jpeg(orientation=1)
    assert photo.index(b"Exif") > 0
    sent = send("upright.jpg", photo)
    assert sent.startswith(b"\xff\xd8")
    assert len(sent) < len(photo)


def test_send_large_photo_is_shrunk(send: Callable[[str, bytes], bytes]) -> None:
    """Of 12 megapixels as much is sent as a model can use."""
    sent = send("large.jpg", jpeg(4000, 3000, orientation=1))
    assert Image.open(io.BytesIO(sent)).size == (1533, 1150)
    assert len(sent) < 400_000


def test_send_transparent_photo_has_white_behind_it(send: Callable[[str, bytes], bytes]) -> None:
    """Transparent pixels are white, as in the gateway, and not the colour hidden under them."""
    sent = Image.open(io.BytesIO(send("text.png", png()))).convert("RGB")
    assert sent.getpixel((350, 150)) == (255, 255, 255)


def test_send_photo_of_a_type_that_the_browser_does_not_know_as_it_is(send: Callable[[str, bytes], bytes]) -> None:
    """A photo that the browser cannot draw, such as HEIC, goes to the gateway byte for byte."""
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
    assert send("photo.heic", heic) == heic


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_send_damaged_photo_as_it_is(send: Callable[[str, bytes], bytes], part: float) -> None:
    """A photo that breaks off is not mended into a grey one: the gateway is to say that it is damaged."""
    whole = jpeg()
    whole = whole[: whole.index(b"\xff\xd8 another")]
    broken = whole[: int(len(whole) * part)]
    assert send("broken.jpg", broken) == broken
