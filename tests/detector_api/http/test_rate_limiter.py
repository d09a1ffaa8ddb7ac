"""No client sends more photos than the settings allow it, whatever it claims to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from detector_api.errors import TooManyRequestsError
from detector_api.http import rate_limiter
from detector_api.http.rate_limiter import RateLimiter

PREDICT = "/api/v1/predict_breed"
KEYS = ("a-key-that-is-long-1", "a-key-that-is-long-2")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limiter: RateLimiter, client: str, attempts: int = 1000) -> int:
    """Return how many photos a client gets through at once."""
    for count in range(attempts):
        try:
            limiter.take(client)
        except TooManyRequestsError:
            return count
    return attempts


def test_take_allows_a_minutes_photos_and_then_their_rate() -> None:
    """As many as in a minute pass at once, then one each time its share of a minute has passed."""
    clock = Clock()
    limiter = RateLimiter(30, clock)
    assert taken(limiter, "a") == 30
    assert taken(limiter, "b") == 30
    clock.now += 2
    assert taken(limiter, "a") == 1
    clock.now += 60
    assert taken(limiter, "a") == 30


@pytest.mark.parametrize("per_minute", [1, 7, 60, 6000])
def test_take_refused_says_when_to_come_back(per_minute: int) -> None:
    """A caller who waits as long as told is let in, and a refused one loses nothing by having asked."""
    clock = Clock()
    limiter = RateLimiter(per_minute, clock)
    taken(limiter, "a", 10_000)
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.take("a")
    assert 1 <= (refused.value.retry_after_seconds or 0) <= 60
    clock.now += refused.value.retry_after_seconds or 0
    limiter.take("a")


def test_take_without_a_limit_allows_all() -> None:
    """Nobody is limited, nor remembered, by default."""
    limiter = RateLimiter(None)
    assert taken(limiter, "a") == 1000
    assert not limiter._full_at


def test_take_forgets_clients_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of a minute ago are forgotten, and of any number at once only so many are remembered, the latest."""
    monkeypatch.setattr(rate_limiter, "MAX_CLIENTS", 1000)
    clock = Clock()
    limiter = RateLimiter(1, clock)
    for number in range(5000):
        limiter.take(str(number))
    assert len(limiter._full_at) == 1000
    assert taken(limiter, "4999") == 0
    clock.now += 61
    limiter.take("one more")
    assert list(limiter._full_at) == ["one more"]


def test_take_remembers_who_goes_on_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The busiest client is not the one forgotten when there is room for no more."""
    monkeypatch.setattr(rate_limiter, "MAX_CLIENTS", 1000)
    limiter = RateLimiter(2, Clock())
    limiter.take("busy")
    for number in range(1500):
        limiter.take(str(number))
        if number == 800:
            limiter.take("busy")
    assert taken(limiter, "busy") == 0


def test_photo_above_the_rate_is_429(serving: Any, start_gateway: Callable[..., httpx.Client], photo: bytes) -> None:
    """It is told when to come back, and the model is not asked; what is no photo is not counted."""
    gateway = start_gateway(serving_address=serving.address, photos_per_minute=2)
    answers = [gateway.post(PREDICT, files={"dog_image": photo}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert gateway.get("/api/v1/model").status_code == 200
    assert sum(request.model_spec.signature_name == "pixels" for request in serving.requests) == 2


def test_photo_of_a_stream_above_the_rate_is_429_in_its_line(
    serving: Any, start_gateway: Callable[..., httpx.Client], photo: bytes
) -> None:
    """Each photo of a stream counts, and those that are too many have that error each."""
    gateway = start_gateway(serving_address=serving.address, photos_per_minute=3)
    response = gateway.post("/api/v1/predict_breeds", files=[("dog_image", photo)] * 5)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert (
        sorted(line["error"]["code"] if "error" in line else "" for line in lines)
        == ["", "", ""] + ["too_many_requests"] * 2
    )
    assert gateway.post(PREDICT, files={"dog_image": photo}).status_code == 429


def test_rate_is_of_each_key(serving: Any, start_gateway: Callable[..., httpx.Client], photo: bytes) -> None:
    """Two keys from one address are two clients."""
    gateway = start_gateway(serving_address=serving.address, photos_per_minute=1, api_keys=KEYS)

    def send(key: str) -> int:
        return gateway.post(PREDICT, files={"dog_image": photo}, headers={"X-API-Key": key}).status_code

    assert [send(KEYS[0]), send(KEYS[0]), send(KEYS[1]), send(KEYS[1])] == [200, 429, 200, 429]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "statuses"),
    [
        # Whom nobody vouches for is known by his own address alone.
        ("", ("192.0.2.1", "192.0.2.2"), [200, 429]),
        ("10.0.0.0/8", ("192.0.2.1", "192.0.2.2"), [200, 429]),
        # A trusted proxy tells clients apart.
        ("127.0.0.1", ("192.0.2.1", "192.0.2.2"), [200, 200]),
        ("127.0.0.0/8", ("192.0.2.1", "192.0.2.1"), [200, 429]),
        # What a client claimed stands before what the proxy added, and is not believed.
        ("127.0.0.1", ("198.51.100.1, 192.0.2.1", "198.51.100.2, 192.0.2.1"), [200, 429]),
    ],
)
def test_rate_by_forwarded_address_believes_only_trusted_proxies(
    serving: Any,
    start_gateway: Callable[..., httpx.Client],
    photo: bytes,
    trusted: str,
    forwarded: tuple[str, str],
    statuses: list[int],
) -> None:
    """Nobody gets another allowance by writing another address into X-Forwarded-For."""
    gateway = start_gateway(serving_address=serving.address, photos_per_minute=1, trusted_proxies=trusted)
    assert statuses == [
        gateway.post(PREDICT, files={"dog_image": photo}, headers={"X-Forwarded-For": value}).status_code
        for value in forwarded
    ]
