"""Admission of photos: taken in, waiting or refused; over HTTP a refusal is quick and costs nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from detector_api import errors
from detector_api.prediction.admission import Admission
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics

URL = "/api/v1/predict_breed"


def make_admission(places: int) -> Admission:
    return Admission(Settings(min_in_flight=places, max_in_flight=places), Metrics("dog_breed"))


async def hold(admission: Admission, release: asyncio.Event, waits: bool = False) -> None:
    async with admission.admitted(waits=waits):
        await release.wait()


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_admitted_beyond_the_places_is_refused_and_leaving_makes_room() -> None:
    """A photo above the limit is refused at once with a time to come back; after another has left there is room."""

    async def run() -> None:
        admission, release = make_admission(2), asyncio.Event()
        holders = [asyncio.create_task(hold(admission, release)) for _ in range(2)]
        await settle()
        with pytest.raises(errors.OverloadedError) as refused:
            await hold(admission, release)
        assert refused.value.retry_after_seconds == 1
        with pytest.raises(errors.OverloadedError):
            admission.check()
        release.set()
        await asyncio.gather(*holders)
        admission.check()
        assert admission.in_work == 0

    asyncio.run(run())


def test_admitted_photos_of_streams_wait_in_order_and_leave_a_place() -> None:
    """Of ten photos of streams three are in four places, and the others follow first come, first served."""

    async def run() -> None:
        admission = make_admission(4)
        releases = [asyncio.Event() for _ in range(10)]
        entered: list[int] = []

        async def stay(number: int) -> None:
            async with admission.admitted(waits=True):
                entered.append(number)
                await releases[number].wait()

        tasks = [asyncio.create_task(stay(number)) for number in range(10)]
        await settle()
        assert entered == [0, 1, 2]
        admission.check()  # the fourth place is for a photo sent alone
        for number in range(10):
            releases[number].set()
            await settle()
            assert entered == list(range(min(10, number + 4)))
        await asyncio.gather(*tasks)
        assert admission.in_work == 0

    asyncio.run(run())


@pytest.mark.parametrize("is_called", [False, True], ids=["while waiting", "as its turn comes"])
def test_admitted_given_up_while_waiting_loses_no_place(is_called: bool) -> None:
    """A photo whose caller leaves while it waits, or just as its turn comes, leaves its place to the next."""

    async def run() -> None:
        admission, release = make_admission(1), asyncio.Event()
        release.set()
        async with admission.admitted(waits=True):
            second, third = (asyncio.create_task(hold(admission, release, waits=True)) for _ in range(2))
            await settle()
            if not is_called:
                second.cancel()
        second.cancel()  # called by the place that was left, and not run since
        await third
        assert second.cancelled()
        assert admission.in_work == 0

    asyncio.run(asyncio.wait_for(run(), 60))


def test_admitted_names_the_time_that_photos_take() -> None:
    """A caller refused while photos take seconds is told to come back after as many."""

    async def run() -> None:
        admission = make_admission(1)
        admission._mean_seconds = 3.2
        async with admission.admitted():
            with pytest.raises(errors.OverloadedError) as refused:
                admission.check()
        assert refused.value.retry_after_seconds == 4

    asyncio.run(run())


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "this has not come true in time"
        time.sleep(0.005)


def in_work(gateway: Any) -> str:
    return next(line for line in gateway.get("/metrics").text.splitlines() if line.startswith("detector_photos_in"))


def test_predict_breed_of_a_full_gateway_is_refused_before_its_body(
    start_gateway: Any, serving: Any, photo: bytes
) -> None:
    """With all places taken a photo is 503 overloaded before any of it is sent; then those in work are answered."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=2, max_in_flight=2)
    serving.released.clear()
    with ThreadPoolExecutor(2) as callers:
        taken = [callers.submit(gateway.post, URL, files={"dog_image": photo}) for _ in range(2)]
        wait_for(lambda: in_work(gateway) == "detector_photos_in_work 2.0")
        head = "Host: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000"
        with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=60) as connection:
            connection.sendall(f"POST {URL} HTTP/1.1\r\n{head}\r\n\r\n".encode())
            reply = connection.recv(10_000)
        assert reply.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1\r\n" in reply
        assert b'"code":"overloaded"' in reply
        serving.released.set()
        assert {answer.result().status_code for answer in taken} == {200}
    metrics = gateway.get("/metrics").text
    assert "detector_photos_refused_total 1.0" in metrics
    assert "detector_admission_limit 2.0" in metrics
    assert gateway.post(URL, files={"dog_image": photo}).status_code == 200


def test_predict_breed_being_uploaded_holds_no_place(start_gateway: Any, serving: Any, photo: bytes) -> None:
    """Callers who send slowly keep nobody out: a place is taken when the photo is complete."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=1, max_in_flight=1)
    finish = threading.Event()

    def slow_body() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\n' + photo[:20]
        finish.wait(60)
        yield photo[20:] + b"\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    with ThreadPoolExecutor(4) as callers:
        slow = [callers.submit(gateway.post, URL, content=slow_body(), headers=headers)]
        wait_for(lambda: "detector_requests_in_flight 1.0" in gateway.get("/metrics").text)
        assert gateway.post(URL, files={"dog_image": photo}).status_code == 200
        finish.set()
        assert slow[0].result().status_code == 200
