"""With API keys set, /api/ is for those who bring one; probes, metrics and documentation stay open."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from detector_api.http.access import Callers
from detector_api.main import create_app
from detector_api.settings import Settings

KEYS = ("a-key-that-is-long-1", "a-key-that-is-long-2")
PREDICT = "/api/v1/predict_breed"


@pytest.fixture
def locked(serving: Any, start_gateway: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of a gateway that asks for one of two keys."""
    origin = "https://dogs.example"
    return start_gateway(serving_address=serving.address, api_keys=",".join(KEYS), cors_origins=origin)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["Authorization: Bearer {}", "Authorization: bearer {}", "X-API-Key: {}"])
def test_call_with_a_key_is_answered(locked: httpx.Client, photo: bytes, key: str, form: str) -> None:
    """Each of several keys opens, in either header, so that one can be replaced while the other still holds."""
    name, value = form.format(key).split(": ")
    assert locked.post(PREDICT, files={"dog_image": photo}, headers={name: value}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": KEYS[0][:-1]},
        {"X-API-Key": KEYS[0] + "x"},
        {"X-API-Key": b"caf\xe9-is-long-enough"},
        {"X-API-Key": ",".join(KEYS)},
        {"Authorization": KEYS[0]},
        {"Authorization": f"Basic {KEYS[0]}"},
        {"Authorization": "Bearer wrong", "X-API-Key": KEYS[0]},
    ],
)
@pytest.mark.parametrize("path", [PREDICT, "/api/v1/predict_breeds", "/api/v1/feedback"])
def test_call_without_a_key_is_401(locked: httpx.Client, serving: Any, path: str, headers: dict[str, Any]) -> None:
    """A caller with no key, or a wrong one, is told how to send one, and the model is not asked."""
    response = locked.post(path, files={"dog_image": b"not even looked at"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert not serving.requests


def test_refused_call_is_refused_before_its_body(locked: httpx.Client) -> None:
    """A stranger's photo is not waited for: the answer comes while it is still to be sent."""
    url = locked.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=60) as connection:
        connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_open_path_needs_no_key(locked: httpx.Client, path: str) -> None:
    """The routes for machines inside, and the documentation, need no key."""
    assert locked.get(path).status_code == 200


def test_preflight_needs_no_key(locked: httpx.Client) -> None:
    """A browser asks before it sends the key, and hears that it may; the 401 it can read as well."""
    origin = {"Origin": "https://dogs.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-api-key"}
    preflight = locked.options(PREDICT, headers=origin | asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == origin["Origin"]
    refused = locked.post(PREDICT, headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin["Origin"])


def test_document_names_the_keys_only_when_asked_for() -> None:
    """The OpenAPI document has the two ways to bring a key, either of which will do, and the 401, if keys are set."""
    document = create_app(Settings(api_keys=",".join(KEYS))).openapi()
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("401" in operation["responses"]) is path.startswith("/api/")
            assert len(operation.get("security", [])) == (2 if path.startswith("/api/") else 0)
    assert "securitySchemes" not in create_app(Settings()).openapi()["components"]


def test_key_is_never_shown() -> None:
    """Neither the settings' text nor the error about a key shows it."""
    settings = Settings(api_keys=KEYS[0])
    assert KEYS[0] not in repr(settings) + str(settings) + settings.model_dump_json()
    with pytest.raises(ValidationError) as refused:
        Settings(api_keys=f"{KEYS[0]},short-one")
    assert "at least 16 characters" in str(refused.value)
    assert KEYS[0] not in str(refused.value)
    assert "short-one" not in str(refused.value)


def test_call_leaves_no_key_in_the_log(locked: httpx.Client, photo: bytes, log_lines: Any) -> None:
    """Right or wrong, a key is in no line."""
    for key in (KEYS[0], "a-wrong-key-of-somebody"):
        locked.post(PREDICT, files={"dog_image": photo}, headers={"X-API-Key": key})
    lines = str(log_lines(2))
    assert KEYS[0] not in lines
    assert "a-wrong-key-of-somebody" not in lines


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_identify_client_of_ipv6_is_its_network(one: str, other: str, same: bool) -> None:
    """A client of IPv6 has 2^64 addresses, and is one client with all of them."""
    first, second = (Callers(()).identify({"type": "http", "client": (address, 1)}) for address in (one, other))
    assert (first == second) is same
