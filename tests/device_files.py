"""Files for devices in the folder of a model, as nginx and the laptop's front have to serve them alike."""

from __future__ import annotations

from pathlib import Path

import httpx

CONTENT = bytes(range(100)) * 20

# Below `/models/`: no card, no weights, no folder, no version that is not served, and no way round.
PATHS_NOT_SERVED = (
    "dog_breed/1/model_card.json",
    "dog_breed/1/assets.extra/on_device.tflite",
    "dog_breed/1/",
    "dog_breed/1/on_device.tflite/",
    "dog_breed/01/on_device.tflite",
    "dog_breed/2/on_device.tflite",
    "dog_breed/.shelf/2/on_device.tflite",
    "dog_breed/1/..%2f.shelf/2/on_device.tflite",
    ".hidden/1/on_device.tflite",
    "cats/1/on_device.tflite",
    "",
)


def write_versions(model: Path) -> Path:
    """Write a live version and one on the shelf into the folder `model`, and return that."""
    for version in ("1", ".shelf/2"):
        extra = model / version / "assets.extra"
        extra.mkdir(parents=True)
        (extra / "on_device.tflite").write_bytes(CONTENT)
        (extra / "model_card.json").write_text("{}")
    return model


def require_kept_for_good(url: str) -> httpx.Response:
    """Require that the file comes whole, in part, as a head alone or not again, and is no text; return it whole."""
    whole, head = httpx.get(url), httpx.head(url)
    part = httpx.get(url, headers={"Range": "bytes=10-19"})
    again = httpx.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert [reply.status_code for reply in (whole, part, head, again)] == [200, 206, 200, 304]
    assert (whole.content, part.content, head.content) == (CONTENT, CONTENT[10:20], b"")
    assert whole.headers["content-type"] == head.headers["content-type"] == "application/octet-stream"
    kept = {reply.headers["cache-control"] for reply in (whole, part, head, again)}
    assert kept == {"public, max-age=31536000, immutable"}
    return whole
