"""Retries of calls, their number and their time, as the server sees them."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import grpc
import pytest

from detector_api import errors
from detector_api.prediction import predictor
from detector_api.serving import calls
from detector_api.serving.serving_client import ServingClient
from model_serving.photos.pool import DecodedPhoto

URL = "/api/v1/predict_breed"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("UNAVAILABLE", 1 + len(calls.BACKOFFS_SECONDS)),
        ("CANCELLED", 1 + len(calls.BACKOFFS_SECONDS)),
        ("FAILED_PRECONDITION", 1),
        ("RESOURCE_EXHAUSTED", 1),
        ("DEADLINE_EXCEEDED", 1),
        ("INTERNAL", 1),
        ("UNIMPLEMENTED", 1),
    ],
)
def test_call_that_fails_is_made_again_only_if_the_server_was_leaving(
    gateway: Any, serving: Any, code: str, count: int
) -> None:
    """A lost connection is a reason to ask another server, a few times; a refusal is an answer."""
    serving.failure = (grpc.StatusCode[code], "as scripted")
    assert gateway.get("/api/v1/model").status_code >= 500
    assert len(serving.requests) == count


def test_call_of_a_server_with_a_full_queue_is_overloaded_and_not_made_again(gateway: Any, serving: Any) -> None:
    """A full batching queue is UNAVAILABLE by its code; asking again would fill it more."""
    serving.failure = (
        grpc.StatusCode.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full",
    )
    response = gateway.get("/api/v1/model")
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert len(serving.requests) == 1


def test_call_broken_in_the_middle_is_answered_by_the_other_server(
    start_serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """A server that ends while it computes an answer costs the caller nothing."""
    leaving, staying = start_serving(), start_serving()
    staying.version = leaving.version + 1
    gateway = start_gateway(serving_address=f"{leaving.address},{staying.address}")
    leaving.before_predict = lambda: leaving.begin_stop()
    answers = [gateway.post(URL, files={"dog_image": photo}) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert any(request.model_spec.signature_name == "pixels" for request in leaving.requests)
    assert re.search(r"^detector_serving_retries_total [1-9]", gateway.get("/metrics").text, re.MULTILINE)


def test_call_is_not_made_again_after_its_deadline(
    gateway: Any, serving: Any, log_lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is for all attempts together: where the next would come after it, there is no wait for it."""
    monkeypatch.setattr(calls, "BACKOFFS_SECONDS", (1000.0,))
    serving.failure = (grpc.StatusCode.UNAVAILABLE, "as scripted")
    assert gateway.get("/readyz").status_code == 503
    assert log_lines()[0]["retries"] == 0


def test_call_carries_the_request_id(gateway: Any, serving: Any, photo: bytes) -> None:
    """TensorFlow Serving is told the id under which the gateway logs the request."""
    gateway.post(URL, files={"dog_image": photo}, headers={"X-Request-ID": "abc-1"})
    assert [metadata["x-request-id"] for metadata in serving.metadata] == ["abc-1", "abc-1"]


def test_call_has_what_remains_of_the_photo_s_deadline(
    start_gateway: Any, serving: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is told how much time is left after a decoding that took some, so that it may drop what is late."""
    decode = predictor.decode

    def decode_slowly(*args: Any) -> DecodedPhoto:
        time.sleep(2)
        return decode(*args)

    monkeypatch.setattr(predictor, "decode", decode_slowly)
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=60)
    assert gateway.post(URL, files={"dog_image": photo}, timeout=120).status_code == 200
    described, predicted = serving.seconds_remaining
    assert 0 < predicted <= 58 < described <= 60


def test_call_after_the_deadline_is_not_made(serving: Any) -> None:
    """A photo that is late already is an error without a call."""

    async def ask_late() -> None:
        client = ServingClient(serving.address, "dog_breed", 10)
        with pytest.raises(errors.DeadlineError):
            await client.predict(b"", 0, deadline=time.monotonic())
        await client.close()

    asyncio.run(ask_late())
    assert serving.requests == []
