"""Every answer of the gateway tells browsers what not to do with it."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest

from detector_api.http.headers import SECURITY_HEADERS
from detector_api.prediction.predictor import Predictor

PREDICT = "/api/v1/predict_breed"


def assert_secure(response: httpx.Response) -> None:
    assert {name: response.headers.get_list(name) for name in SECURITY_HEADERS} == {
        name: [value] for name, value in SECURITY_HEADERS.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/api/v1/model", 200),
        ("GET", "/nothing", 404),
        ("DELETE", PREDICT, 405),
        ("POST", PREDICT, 400),
    ],
)
def test_answer_has_each_security_header_once(gateway: httpx.Client, method: str, path: str, status: int) -> None:
    """Answers, errors of routes and errors of the router alike."""
    response = gateway.request(method, path)
    assert response.status_code == status
    assert_secure(response)


def test_prediction_has_each_security_header_once(gateway: httpx.Client, photo: bytes) -> None:
    """No cache keeps what was seen in a photo, of one or of many."""
    assert_secure(gateway.post(PREDICT, files={"dog_image": photo}))
    assert_secure(gateway.post("/api/v1/predict_breeds", files={"dog_image": photo}))


def test_unexpected_error_has_each_security_header_once(
    gateway: httpx.Client, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does the error that nobody foresaw."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Predictor, "predict", fail)
    response = gateway.post(PREDICT, files={"dog_image": photo})
    assert response.status_code == 500
    assert_secure(response)


def test_answer_to_what_is_no_http_has_the_headers(gateway: httpx.Client) -> None:
    """Answers that the server gives before the app is asked have them as well."""
    url = gateway.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=60) as connection:
        connection.sendall(b"no HTTP at all\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode().lower()
    assert answer.startswith("http/1.1 400")
    assert all(f"\r\n{name.lower()}: " in answer for name in SECURITY_HEADERS)


def test_docs_have_their_own_policy(gateway: Any) -> None:
    """The one page has a policy under which its viewer runs, instead of the one for data and not beside it."""
    (policy,) = gateway.get("/docs").headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
