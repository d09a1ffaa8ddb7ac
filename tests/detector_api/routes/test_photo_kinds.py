"""The table of photos through the gateway: the model is sent the right pixels, or the caller a clear 4xx."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from model_serving.photos import DamagedPhotoError, TooManyPixelsError, UnsupportedPhotoError
from tests.fuzz.photos import mutated
from tests.photo_kinds import BAD, BLUE, GREEN, KINDS, RED, TURNED, WHITE, encode, looks, turned

DOCUMENT = Path(__file__).parents[3] / "detector_api" / "PHOTOS.md"
URL = "/api/v1/predict_breed"
ANSWERS = {
    UnsupportedPhotoError: (415, "unsupported_type"),
    DamagedPhotoError: (422, "damaged_image"),
    TooManyPixelsError: (413, "too_large"),
}


@pytest.fixture
def patient_gateway(serving: Any, start_gateway: Callable[..., httpx.Client]) -> httpx.Client:
    """A gateway before a model that sees 32 x 32 pixels, the whole square; with time enough on a slow machine."""
    serving.card |= {"input_size": 32, "crop": 1.0}
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=120)
    gateway.timeout = 120
    return gateway


def seen_by(serving: Any) -> np.ndarray:
    content = serving.requests[-1].inputs["pixels"].tensor_content
    return looks(Image.frombytes("RGB", (32, 32), content))


@pytest.mark.parametrize("kind", KINDS)
def test_predict_breed_of_any_kind_of_photo_sends_its_colours(
    kind: str, patient_gateway: httpx.Client, serving: Any
) -> None:
    """Each kind of photo reaches the model in the colours a person sees, under a name and type that are wrong."""
    make, left, right = KINDS[kind]
    response = patient_gateway.post(URL, files={"dog_image": ("letter.txt", make(), "text/plain")})
    assert response.status_code == 200, response.text
    assert np.abs(seen_by(serving) - [left, right, left, right]).max() <= 6


@pytest.mark.parametrize("kind", TURNED)
def test_predict_breed_of_turned_photos_sends_them_upright(
    kind: str, patient_gateway: httpx.Client, serving: Any
) -> None:
    """All eight EXIF orientations reach the model upright."""
    for orientation in range(1, 9):
        image, exif = turned(orientation)
        photo = encode(image, kind, exif=exif.tobytes())
        assert patient_gateway.post(URL, files={"dog_image": photo}).status_code == 200
        assert np.abs(seen_by(serving) - [RED, GREEN, BLUE, WHITE]).max() <= 6, orientation


@pytest.mark.parametrize("kind", BAD)
def test_predict_breed_of_a_bad_photo_answers_its_problem(kind: str, patient_gateway: httpx.Client) -> None:
    """A photo that cannot be read is a 4xx with a code and a sentence that tells what to do."""
    make, error = BAD[kind]
    status, code = ANSWERS[error] if kind != "no bytes" else (400, "empty_image")
    response = patient_gateway.post(URL, files={"dog_image": ("dog.jpg", make(), "image/jpeg")})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "Please" in response.json()["detail"]


def test_documented_table_of_photos_is_the_one_that_is_tested() -> None:
    """Each kind stands in the gateway's documentation with the status that it is answered with, and nothing else."""
    rows = re.findall(r"^\| \w+ \| (\d+) \| (.*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    documented = {kind: int(status) for status, kinds in rows for kind in kinds.split("; ")}
    refused = {kind: ANSWERS[error][0] for kind, (_, error) in BAD.items()} | {"no bytes": 400}
    assert documented == dict.fromkeys(KINDS, 200) | refused


def test_predict_breed_of_mutated_photos_answers_200_or_a_problem(patient_gateway: httpx.Client) -> None:
    """No mutated photo is a 5xx, and the gateway still answers after hundreds of them."""
    statuses = Counter(
        patient_gateway.post(URL, files={"dog_image": photo}).status_code for photo in mutated(500, seed=12)
    )
    assert set(statuses) <= {200, 400, 413, 415, 422}
    assert statuses[200] > 50
    assert statuses[422] > 50
