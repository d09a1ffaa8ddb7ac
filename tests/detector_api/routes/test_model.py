"""GET /api/v1/model: the card as the model holds it."""

from __future__ import annotations

from typing import Any

import grpc


def test_read_model_shows_card_version_and_state(gateway: Any, serving: Any) -> None:
    """The whole card is shown, with the version and the state that the server reports."""
    response = gateway.get("/api/v1/model")
    assert response.status_code == 200
    assert response.json() == {"name": "dog_breed", "version": 3, "state": "AVAILABLE", "card": serving.card}


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
