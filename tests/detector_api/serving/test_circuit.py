"""A server that is gone is not asked for each photo, and is asked again as soon as it is back."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest

from detector_api.serving import circuit

URL = "/api/v1/predict_breed"


def ask(gateway: Any, photo: bytes) -> Any:
    return gateway.post(URL, files={"dog_image": photo})


def is_open(gateway: Any) -> bool:
    return "detector_circuit_open 1.0" in gateway.get("/metrics").text


def wait_until_answered(gateway: Any, photo: bytes) -> None:
    end = time.monotonic() + 60
    while ask(gateway, photo).status_code != 200:
        assert time.monotonic() < end, "the server is back and not asked"


def test_watch_of_a_dead_server_refuses_at_once_until_it_is_back(
    gateway: Any, serving: Any, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """After a few failures photos are 503 without being read, /readyz too; one line each tells the two turns."""
    caplog.set_level("INFO", circuit.__name__)
    assert ask(gateway, photo).status_code == 200
    serving.stop()
    for _ in range(circuit.FAILURES):
        assert ask(gateway, photo).json()["code"] == "model_unavailable"
    assert is_open(gateway)
    refused = ask(gateway, b"no photo, which nobody notices")
    assert (refused.status_code, refused.json()["code"]) == (503, "model_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert gateway.get("/readyz").status_code == 503
    serving.start()
    wait_until_answered(gateway, photo)
    assert not is_open(gateway)
    assert gateway.get("/readyz").status_code == 200
    told = [record.getMessage() for record in caplog.records if record.name == circuit.__name__]
    assert len(told) == 2
    assert told[0].startswith("the model server does not answer: UNAVAILABLE")
    assert told[1].startswith("the model server is back after ")


def test_watch_of_a_silent_server_opens_after_its_deadlines(start_gateway: Any, serving: Any, photo: bytes) -> None:
    """Photos that nobody answers in time open the circuit as well; the next ones do not wait for their deadline."""
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=0.3)
    wait_until_answered(gateway, photo)
    serving.released.clear()
    for _ in range(circuit.FAILURES):
        assert ask(gateway, photo).status_code == 504
    assert ask(gateway, photo).status_code == 503
    serving.released.set()
    wait_until_answered(gateway, photo)


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "INVALID_ARGUMENT"])
def test_watch_of_a_server_that_answers_badly_stays_closed(gateway: Any, serving: Any, photo: bytes, code: str) -> None:
    """A server that refuses or talks nonsense lives: it is asked for each photo."""
    serving.failure = (grpc.StatusCode[code], "as scripted")
    for _ in range(2 * circuit.FAILURES):
        assert ask(gateway, photo).status_code in (502, 503)
    assert not is_open(gateway)
    serving.failure = None
    assert ask(gateway, photo).status_code == 200


def test_watch_of_failures_with_a_success_between_stays_closed(gateway: Any, serving: Any, photo: bytes) -> None:
    """Only failures in a row count: a server that answers now and then is asked."""
    for number in range(3 * (circuit.FAILURES - 1)):
        serving.failure = (grpc.StatusCode.UNAVAILABLE, "as scripted")
        assert ask(gateway, photo).status_code == 503
        if number % (circuit.FAILURES - 1) == 0:
            serving.failure = None
            assert ask(gateway, photo).status_code == 200
    assert not is_open(gateway)
