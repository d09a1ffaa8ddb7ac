"""/livez and /readyz: what starts, restarts and balances the gateway can rely on."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest


def test_check_alive_without_a_server_is_200(start_gateway: Any) -> None:
    """The gateway is alive whatever the state of the model: restarting it would not help."""
    assert start_gateway(serving_address="127.0.0.1:1").get("/livez").json() == {"status": "ok"}


def test_check_ready_with_an_available_model_is_200(gateway: Any) -> None:
    """The gateway is ready when a version of the model is AVAILABLE."""
    assert gateway.get("/readyz").status_code == 200


@pytest.mark.parametrize("state", ["START", "LOADING", "UNLOADING", "END", "UNKNOWN"])
def test_check_ready_with_a_model_in_another_state_is_503(gateway: Any, serving: Any, state: str) -> None:
    """A model that is loading or leaving is not ready, and the answer says when to ask again."""
    serving.state = STATE_NUMBERS[state]
    response = gateway.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "model_unavailable"
    assert response.headers["retry-after"] == "1"


STATE_NUMBERS = {"UNKNOWN": 0, "START": 10, "LOADING": 20, "UNLOADING": 40, "END": 50}


def test_check_ready_with_a_silent_server_is_504_within_its_deadline(serving: Any, start_gateway: Any) -> None:
    """A server that does not answer makes /readyz fail in its own short time."""
    serving.released.clear()
    gateway = start_gateway(serving_address=serving.address, readiness_deadline_seconds=0.2, deadline_seconds=60)
    assert gateway.get("/readyz").json()["code"] == "deadline"


def test_check_ready_after_the_server_starts_becomes_200_within_two_seconds(serving: Any, start_gateway: Any) -> None:
    """A server that comes up, or comes back, is noticed within about a second, without a restart of the gateway."""
    gateway = start_gateway(serving_address=serving.address)
    assert gateway.get("/readyz").status_code == 200
    serving.stop()
    deadline = time.monotonic() + 2.5
    while gateway.get("/readyz").status_code != 503:
        assert time.monotonic() < deadline
    serving.start()
    deadline = time.monotonic() + 2.5
    while gateway.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline


def test_check_ready_of_another_model_name_is_503(serving: Any, start_gateway: Any) -> None:
    """A server that serves other models than the one named in the settings is not ready."""
    gateway = start_gateway(serving_address=serving.address, model_name="cat_breed")
    assert gateway.get("/readyz").status_code == 503


def test_check_ready_with_a_server_that_speaks_no_grpc_fails(start_gateway: Any) -> None:
    """Another server at the address is not taken for a ready model."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        gateway = start_gateway(serving_address=f"127.0.0.1:{other.getsockname()[1]}", readiness_deadline_seconds=0.3)
        assert gateway.get("/readyz").status_code in (503, 504)


def test_check_ready_again_and_again_asks_the_server_once_in_a_moment(serving: Any, start_gateway: Any) -> None:
    """A hundred questions of a moment cost the model server a few, ready or not."""
    asked: list[object] = []
    status = serving._status

    def count(*arguments: Any) -> Any:
        asked.append(arguments)
        return status(*arguments)

    serving._status = count
    serving.stop()
    serving.start()
    gateway = start_gateway(serving_address=serving.address)
    start = time.monotonic()
    for _ in range(100):
        assert gateway.get("/readyz").status_code == 200
    assert 1 <= len(asked) <= 2 + (time.monotonic() - start) / 0.5
