"""GET /api/v1/model: the card as the model holds it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from detector_api.serving.serving_client import ServingClient


def test_read_model_shows_card_version_and_state(gateway: Any, serving: Any) -> None:
    """The whole card is shown, with the version and the state that the server reports."""
    response = gateway.get("/api/v1/model")
    assert response.status_code == 200
    assert response.json() == {
        "name": "dog_breed",
        "version": 3,
        "state": "AVAILABLE",
        "card": serving.card,
        "feedback": False,
        "on_device": None,
    }


def test_read_model_tells_where_the_file_for_devices_is(gateway: Any, serving: Any) -> None:
    """Address, size and hash are there for a version whose card says that it has the file, and for no other."""
    told = {"kept": True, "why_not": "", "file": "assets.extra/on_device.tflite", "bytes": 12, "sha256": "ab" * 32}
    serving.card["on_device"] = told
    reply = gateway.get("/api/v1/model").json()
    assert reply["on_device"] == {"url": "/models/dog_breed/3/on_device.tflite", "bytes": 12, "sha256": "ab" * 32}
    assert reply["card"]["on_device"] == told
    serving.version, serving.card = 4, serving.card | {"on_device": {"kept": False, "why_not": "top-1 falls"}}
    assert gateway.get("/api/v1/model").json()["on_device"] is None


def test_read_model_passes_the_words_for_its_classes_on(gateway: Any, serving: Any) -> None:
    """The words for the classes come as the card has them, with plurals, other languages and groups."""
    german = {"one": "Katze", "many": "Katzen", "class": "Rasse", "classes": "Rassen"}
    serving.card["subject"] = {"one": "cat", "many": "cats", "class": "breed", "languages": {"de": german}}
    serving.card["groups"] = {"Akita": "Large"}
    assert gateway.get("/api/v1/model").json()["card"] == serving.card


def test_read_model_of_a_new_version_shows_its_card(gateway: Any, serving: Any) -> None:
    """A new version's card is shown at once."""
    gateway.get("/api/v1/model")
    serving.version, serving.card = 4, serving.card | {"backbone": "densenet201"}
    reply = gateway.get("/api/v1/model").json()
    assert (reply["version"], reply["card"]["backbone"]) == (4, "densenet201")


def test_read_model_with_none_served_is_503(gateway: Any, serving: Any) -> None:
    """Without a model there is no card to show."""
    serving.failure = (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(dog_breed)")
    response = gateway.get("/api/v1/model")
    assert (response.status_code, response.json()["code"]) == (503, "model_unavailable")


def test_read_model_has_one_deadline_for_all_its_calls(
    start_gateway: Any, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is waited for no longer than the card left time for, whatever time a call of its own may take."""

    async def wait_for_ever(_: ServingClient) -> dict[int, str]:
        return await asyncio.Future()

    monkeypatch.setattr(ServingClient, "status", wait_for_ever)
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=0.3)
    response = gateway.get("/api/v1/model")
    assert (response.status_code, response.json()["code"]) == (504, "deadline")
