"""Photos drawn from noise that cost as much to decode as a camera's: none are in the repository."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# Width, height and bytes: as on the web, and as from a telephone.
KINDS = {"500x375, 50 kB": (500, 375, 50_000), "4000x3000, 2.9 MB": (4000, 3000, 2_900_000)}


def draw(width: int, height: int, size: int, seed: int = 0) -> bytes:
    """Return a JPEG of `width` x `height` pixels, with the quality that brings it nearest to `size` bytes from below.

    As in photos of nature, the finer a detail the fainter it is (1/f), and colours vary less than brightness.
    """
    random = np.random.default_rng(seed)
    across = np.fft.rfftfreq(width)[None, :]
    down = np.fft.fftfreq(height)[:, None]
    frequency = np.hypot(across, down)
    frequency[0, 0] = np.inf
    planes = []
    for deviation in (50, 15, 15):
        phases = np.exp(2j * np.pi * random.random(frequency.shape))
        plane = np.fft.irfft2(phases / frequency, (height, width))
        planes.append(np.clip(128 + plane * (deviation / plane.std()), 0, 255).astype(np.uint8))
    image = Image.fromarray(np.stack(planes, -1), "YCbCr")

    least, most = 1, 95
    while least < most:
        quality = (least + most + 1) // 2
        least, most = (quality, most) if len(_encode(image, quality)) <= size else (least, quality - 1)
    return _encode(image, least)


def _encode(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
