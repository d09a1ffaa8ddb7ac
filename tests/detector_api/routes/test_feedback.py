"""POST /api/v1/feedback: what is kept, from whom, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

URL = "/api/v1/feedback"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of kept photos."""
    kept = tmp_path / "feedback"
    kept.mkdir()
    return kept


@pytest.fixture
def gateway(serving: Any, start_gateway: Callable[..., httpx.Client], folder: Path) -> httpx.Client:
    """A client of a gateway that keeps photos."""
    return start_gateway(serving_address=serving.address, feedback_folder=folder)


def tell(gateway: httpx.Client, photo: bytes, **query: Any) -> httpx.Response:
    """Send a photo of an Akita that may be kept, unless the query says otherwise; None leaves a parameter out."""
    params = {name: value for name, value in ({"breed": "Akita", "keep": True} | query).items() if value is not None}
    return gateway.post(URL, params=params, files={"dog_image": photo})


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


def test_send_feedback_keeps_the_photo_under_its_breed(gateway: httpx.Client, folder: Path, photo: bytes) -> None:
    """The reply names the breed and the id, and the photo is where the trainer looks for it."""
    response = tell(gateway, photo)
    identity = hashlib.sha256(photo).hexdigest()
    assert (response.status_code, response.json()) == (201, {"stored": True, "breed": "Akita", "id": identity})
    (kept,) = (path for path in folder.rglob("*") if path.is_file())
    assert kept == folder / "Akita" / f"{identity}.jpg"
    with Image.open(kept) as image:
        assert (image.format, image.size) == ("JPEG", (40, 30))
        assert image.getpixel((5, 5)) == pytest.approx((255, 128, 0), abs=3)


def test_send_feedback_of_a_second_opinion_moves_the_photo(gateway: httpx.Client, folder: Path, photo: bytes) -> None:
    """One photo is one file, under the breed that was said last."""
    replies = [tell(gateway, photo, breed=breed).json() for breed in ("Akita", "Akita", "Beagle")]
    assert len({reply["id"] for reply in replies}) == 1
    assert [path.parent.name for path in folder.rglob("*.jpg")] == ["Beagle"]


@pytest.mark.parametrize("spelling", ["finnish_spitz", "FINNISH-SPITZ", " finnishspitz ", "Suomenpystykorva"])
def test_send_feedback_takes_a_breed_in_any_spelling(gateway: httpx.Client, photo: bytes, spelling: str) -> None:
    """The breed is kept as the model spells it, however it was written."""
    assert tell(gateway, photo, breed=spelling).json()["breed"] == "Finnish Spitz"


@pytest.mark.parametrize("breed", ["../../Akita", "Akita/..", "/Akita"])
def test_send_feedback_of_a_breed_like_a_path_stays_in_the_folder(
    gateway: httpx.Client, folder: Path, photo: bytes, breed: str
) -> None:
    """Only a breed's letters count: what was sent is never a path."""
    assert tell(gateway, photo, breed=breed).json()["breed"] == "Akita"
    assert [path.name for path in folder.parent.rglob("*") if path.is_dir()] == ["feedback", "Akita"]


@pytest.mark.parametrize("breed", ["Colie", "../..", "", "\0", "Žaliukas"])
def test_send_feedback_of_an_unknown_breed_is_422_and_stores_nothing(
    gateway: httpx.Client, folder: Path, photo: bytes, breed: str
) -> None:
    """A name that is no breed of the model is never a folder's name, whatever it holds."""
    assert_refused(tell(gateway, photo, breed=breed), 422, "unknown_breed")
    assert not list(folder.iterdir())


def test_send_feedback_of_a_mistyped_breed_names_the_nearest(gateway: httpx.Client, photo: bytes) -> None:
    """A mistyped breed is answered with the one that may be meant."""
    assert "Did you mean Collie?" in tell(gateway, photo, breed="Colie").json()["detail"]


def test_send_feedback_calls_a_class_what_the_card_calls_it(gateway: httpx.Client, serving: Any, photo: bytes) -> None:
    """A refusal speaks of species where the card's classes are species, and of nothing else."""
    serving.card["subject"] = {"one": "mushroom", "many": "mushrooms", "class": "species"}
    detail = tell(gateway, photo, breed="Morel").json()["detail"]
    assert detail == "The model does not know this species. See /api/v1/model for what it knows."


@pytest.mark.parametrize("query", [{"keep": False}, {"keep": "0"}, {"keep": None}])
def test_send_feedback_without_consent_is_422_and_stores_nothing(
    gateway: httpx.Client, folder: Path, photo: bytes, query: dict[str, Any]
) -> None:
    """The photo of a person who did not agree, or did not say so, is not kept."""
    assert_refused(tell(gateway, photo, **query), 422, "consent_required")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("query", [{"keep": "perhaps"}, {"breed": "x" * 201}])
def test_send_feedback_with_a_bad_query_is_422(
    gateway: httpx.Client, folder: Path, photo: bytes, query: dict[str, Any]
) -> None:
    """A query that cannot be read is no consent."""
    assert_refused(tell(gateway, photo, **query), 422, "invalid_request")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_image"),
        (b"Dear dog, " * 100, 415, "unsupported_type"),
        (b"\x89PNG\r\n\x1a\n", 422, "damaged_image"),
    ],
)
def test_send_feedback_of_no_photo_stores_nothing(
    gateway: httpx.Client, folder: Path, content: bytes, status: int, code: str
) -> None:
    """A file that is no photo is refused as for a prediction."""
    assert_refused(tell(gateway, content), status, code)
    assert not list(folder.iterdir())


def test_send_feedback_to_a_full_folder_is_507(
    serving: Any, start_gateway: Callable[..., httpx.Client], folder: Path, photo: bytes
) -> None:
    """A folder that has its bytes takes no more."""
    gateway = start_gateway(serving_address=serving.address, feedback_folder=folder, feedback_max_bytes=100)
    assert_refused(tell(gateway, photo), 507, "feedback_full")
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_send_feedback_to_a_lost_folder_is_503_and_names_no_path(
    gateway: httpx.Client, folder: Path, photo: bytes, log_lines: Any
) -> None:
    """A disk that went away is said to the log; the caller is told to come back."""
    folder.rmdir()
    response = tell(gateway, photo)
    assert_refused(response, 503, "feedback_unavailable")
    assert "retry-after" in response.headers
    assert str(folder) not in response.text
    (line,) = log_lines()
    assert line["reason"] == "No such file or directory"


def test_send_feedback_where_it_is_off_is_404(
    serving: Any, start_gateway: Callable[..., httpx.Client], photo: bytes
) -> None:
    """By default no photo is kept, and the answer says so, not that there is no such page."""
    assert_refused(tell(start_gateway(serving_address=serving.address), photo), 404, "feedback_off")


@pytest.mark.parametrize("on", [True, False])
def test_read_model_tells_whether_feedback_is_taken(
    serving: Any, start_gateway: Callable[..., httpx.Client], folder: Path, on: bool
) -> None:
    """A page knows whether to ask what it really is."""
    gateway = start_gateway(serving_address=serving.address, feedback_folder=folder if on else None)
    assert gateway.get("/api/v1/model").json()["feedback"] is on


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://dogs.example", "Host": "dogs.example", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({}, 201),
        ({"Origin": "https://friends.example", "Sec-Fetch-Site": "cross-site"}, 201),
    ],
)
def test_send_feedback_from_another_site_is_refused(
    serving: Any, start_gateway: Any, folder: Path, photo: bytes, headers: dict[str, str], status: int
) -> None:
    """A page of another site, unless it is allowed, has none of its visitors' photos kept; programs send no origin."""
    origin = "https://friends.example"
    gateway = start_gateway(serving_address=serving.address, feedback_folder=folder, cors_origins=origin)
    query = {"breed": "Akita", "keep": True}
    response = gateway.post(URL, params=query, files={"dog_image": photo}, headers=headers)
    if status == 403:
        assert_refused(response, 403, "cross_site")
    assert (response.status_code, len(list(folder.rglob("*.jpg")))) == (status, int(status == 201))
