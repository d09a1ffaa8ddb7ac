"""A model may be replaced at any moment: no answer is a mixture of two, and no photo is lost to the change."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from PIL import Image

from detector_api.prediction import predictor
from model_serving.photos.pool import DecodedPhoto

URL = "/api/v1/predict_breed"


def ask(gateway: Any, photo: bytes) -> Any:
    return gateway.post(URL, params={"explain": True}, files={"dog_image": photo})


def test_predict_fetches_the_card_once(gateway: Any, serving: Any, photo: bytes) -> None:
    """The card is fetched with the first photo and not again while the same version answers."""
    for _ in range(3):
        assert ask(gateway, photo).status_code == 200
    assert [request.model_spec.signature_name for request in serving.requests] == ["describe", *["explain"] * 3]


def test_predict_after_a_swap_judges_by_the_new_card(gateway: Any, serving: Any, photo: bytes) -> None:
    """A new version's threshold applies from its first answer on, though the card known was the old one's."""
    assert ask(gateway, photo).json()["is_dog"] is True
    serving.version, serving.card = 4, serving.card | {"thresholds": {"dog": 0.9}}
    reply = ask(gateway, photo).json()
    assert (reply["model"]["version"], reply["is_dog"]) == (4, False)


@pytest.mark.parametrize("checks_size", [True, False], ids=["server refuses the old size", "server takes any size"])
def test_predict_after_a_swap_to_another_size_decodes_again(
    gateway: Any, serving: Any, photo: bytes, checks_size: bool
) -> None:
    """A version with another input size gets the photo at its own size, and the first request after it is answered."""
    assert ask(gateway, photo).status_code == 200
    serving.checks_size = checks_size
    serving.version, serving.card = 4, serving.card | {"input_size": 12}
    reply = ask(gateway, photo)
    assert (reply.status_code, reply.json()["model"]["version"]) == (200, 4)
    assert [dim.size for dim in serving.requests[-1].inputs["pixels"].tensor_shape.dim] == [1, 12, 12, 3]


def test_predict_after_a_swap_to_another_crop_decodes_again(gateway: Any, serving: Any, photo: bytes) -> None:
    """A version that sees another part of the photo, at the same size, is asked again with that part."""
    ask(gateway, photo)
    serving.requests.clear()
    serving.version, serving.card = 4, serving.card | {"crop": 1.0}
    assert ask(gateway, photo).json()["model"]["version"] == 4
    assert [request.model_spec.signature_name for request in serving.requests] == ["explain", "describe", "explain"]


@pytest.mark.parametrize(("checks_size", "status"), [(True, 502), (False, 503)])
def test_predict_with_swaps_between_every_call_ends(
    gateway: Any, serving: Any, photo: bytes, log_lines: Any, checks_size: bool, status: int
) -> None:
    """A model that has another size at each call is an error after twenty, nineteen of which the log calls retries."""

    def swap() -> None:
        serving.version += 1
        serving.card = serving.card | {"input_size": serving.version}

    serving.checks_size = checks_size
    serving.before_predict = swap
    assert ask(gateway, photo).status_code == status
    assert sum(request.model_spec.signature_name == "explain" for request in serving.requests) == predictor.ATTEMPTS
    assert log_lines()[0]["retries"] == predictor.ATTEMPTS - 1


def test_predict_of_a_model_not_found_pauses_before_it_asks_again(
    start_gateway: Any, serving: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without the model is not asked in a tight loop: a pause beyond the deadline leaves one call."""
    monkeypatch.setattr(predictor, "NOT_FOUND_PAUSE_SECONDS", 1000.0)
    serving.failure = (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(dog_breed)")
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=1)
    assert ask(gateway, photo).status_code == 504
    assert len(serving.requests) <= 1


def test_predict_after_a_restart_with_another_size_recovers(gateway: Any, serving: Any, photo: bytes) -> None:
    """A server that restarts with a model of another size, under the same version, is answered by when it is back."""
    assert ask(gateway, photo).status_code == 200
    serving.stop()
    assert ask(gateway, photo).status_code == 503
    serving.card = serving.card | {"input_size": 12}
    serving.start()
    deadline = time.monotonic() + 60
    while (response := ask(gateway, photo)).status_code != 200:
        assert response.status_code == 503
        assert time.monotonic() < deadline


def test_predict_of_many_photos_at_once_never_mixes_answers(start_gateway: Any, serving: Any) -> None:
    """Of 200 photos sent by 16 callers while the model changes, each gets its own answer, by one single version."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=16)

    def photo_of(brightness: int) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (20, 20), (brightness,) * 3).save(buffer, "PNG")
        return buffer.getvalue()

    changes = iter(range(10**6))

    def swap_now_and_then() -> None:
        change = next(changes)
        if change % 25 == 24:
            serving.version = 4 + change // 25

    serving.before_predict = swap_now_and_then
    brightnesses = list(range(50, 250))
    with ThreadPoolExecutor(16) as callers:
        responses = list(callers.map(lambda brightness: ask(gateway, photo_of(brightness)), brightnesses))
    assert {response.status_code for response in responses} == {200}
    seen = [response.json()["heatmap"][1][0] for response in responses]
    assert seen == [round(brightness / 255, 3) for brightness in brightnesses]


def test_predict_recovers_from_a_passing_failure(gateway: Any, serving: Any, photo: bytes) -> None:
    """After the server's failure has passed the next photo is answered."""
    serving.failure = (grpc.StatusCode.UNAVAILABLE, "loading")
    assert ask(gateway, photo).status_code == 503
    serving.failure = None
    assert ask(gateway, photo).status_code == 200


@pytest.mark.parametrize("callers", [1, 8])
@pytest.mark.parametrize("checks_size", [True, False], ids=["servers refuse another size", "servers take any size"])
def test_predict_while_servers_have_different_versions_answers_every_photo(
    start_serving: Any, start_gateway: Any, photo: bytes, callers: int, checks_size: bool
) -> None:
    """With two versions of different sizes behind one address, each photo is answered, at the size of its version."""
    old, new = start_serving(), start_serving()
    new.version, new.card = old.version + 1, old.card | {"input_size": 12, "thresholds": {"dog": 0.9}}
    old.checks_size = new.checks_size = checks_size
    gateway = start_gateway(serving_address=f"{old.address},{new.address}", min_in_flight=callers)
    with ThreadPoolExecutor(callers) as pool:
        responses = list(pool.map(lambda _: ask(gateway, photo), range(100)))
    assert {response.status_code for response in responses} == {200}
    replies = [response.json() for response in responses]
    assert {(reply["model"]["version"], reply["is_dog"]) for reply in replies} <= {
        (old.version, True),
        (new.version, False),
    }


def test_predict_given_up_while_decoding_keeps_its_place(
    start_gateway: Any, serving: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos whose deadline passes while they are decoded still count: no more are begun than there are places."""
    begun: list[threading.Thread] = []
    released = threading.Event()

    def decode_until_released(*_: object) -> DecodedPhoto:
        begun.append(threading.current_thread())
        released.wait()
        return DecodedPhoto((0, 0), (0, 0), b"", 0.0)

    monkeypatch.setattr(predictor, "decode", decode_until_released)
    gateway = start_gateway(serving_address=serving.address, decode_threads=1, deadline_seconds=0.3)
    try:
        while len(begun) < 2:  # a quick place and a slow one
            assert ask(gateway, photo).status_code == 504
        assert ask(gateway, photo).status_code == 504
        assert len(begun) == 2
    finally:
        released.set()
