"""Admission control, and over HTTP: waiting is fair, and refusing is quick."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from detector_api import errors
from detector_api.prediction.admission import MAX_RETRY_SECONDS, Admission
from detector_api.settings import Settings
from detector_api.telemetry.metrics import Metrics

URL = "/api/v1/predict_breed"


def make_admission(places: int, **settings: Any) -> Admission:
    return Admission(Settings(min_in_flight=places, max_in_flight=places, **settings), Metrics("dog_breed"))


async def hold(admission: Admission, release: asyncio.Event, caller: str = "one") -> None:
    async with admission.admitted(caller):
        await release.wait()


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def fill(admission: Admission, *callers: str) -> tuple[list[str], Callable[[], Awaitable[None]]]:
    """Let photos of these callers in, one after the other; return whose are in work, and how to let the first leave."""
    entered: list[str] = []
    leaving: list[asyncio.Event] = []

    async def stay(caller: str) -> None:
        async with admission.admitted(caller):
            entered.append(caller)
            leaving.append(leave := asyncio.Event())
            await leave.wait()

    tasks = [asyncio.create_task(stay(caller)) for caller in callers]
    await settle()

    async def leave_first() -> None:
        assert tasks
        leaving.pop(0).set()
        await settle()

    return entered, leave_first


def know_pace(admission: Admission, seconds: float) -> None:
    """Let the admission have seen photos take their turns at this distance."""
    for number in range(1000):
        admission._pace.begin(seconds * number)
        admission._pace.turn(seconds * (number + 1), more_wait=False)


def test_admitted_beyond_the_places_waits_and_callers_take_turns() -> None:
    """A caller with one photo waits for one of a caller with a hundred, and not for all of them."""

    async def run() -> None:
        admission = make_admission(2)
        entered, leave_first = await fill(admission, *["many"] * 100, "single", "many", "other")
        assert entered == ["many"] * 2
        for _ in range(5):
            await leave_first()
        assert entered[2:] == ["many", "single", "other", "many", "many"]
        for _ in range(98):
            await leave_first()
        assert entered.count("many") == 101
        assert admission.in_work == 0

    asyncio.run(run())


def test_admitted_that_would_wait_too_long_is_refused_at_once() -> None:
    """At a second a turn and ten seconds of patience the caller's eleventh photo in the queue is told to come back."""

    async def run() -> None:
        admission, release = make_admission(1), asyncio.Event()
        know_pace(admission, 1.0)
        tasks = [asyncio.create_task(hold(admission, release)) for _ in range(12)]
        await settle()
        with pytest.raises(errors.OverloadedError) as refused:
            await hold(admission, release)
        assert refused.value.retry_after_seconds == 1
        know_pace(admission, 2.0)
        with pytest.raises(errors.OverloadedError) as refused:
            admission.check("one")
        assert refused.value.retry_after_seconds == 12  # then ten seconds are left of the eleven photos' twenty-two
        admission.check("another")
        assert not admission.is_full
        know_pace(admission, 1.0)
        release.set()
        await asyncio.gather(*tasks)
        admission.check("one")
        assert admission.in_work == 0

    asyncio.run(run())


def test_refused_in_hundreds_do_not_come_back_all_at_once() -> None:
    """The first are given a turn each; those whose turn is too far off come back at different times."""

    async def run() -> None:
        admission, release = make_admission(1, max_wait_seconds=0), asyncio.Event()
        holder = asyncio.create_task(hold(admission, release))
        await settle()
        know_pace(admission, 1.0)
        told = []
        for number in range(230):
            with pytest.raises(errors.OverloadedError) as refused:
                admission.check(str(number))
            told.append(refused.value.retry_after_seconds)
        assert told[:29] == [1, *range(1, 29)]
        assert all(MAX_RETRY_SECONDS / 2 <= seconds <= MAX_RETRY_SECONDS for seconds in told[31:])
        assert max(told[31:].count(seconds) for seconds in set(told[31:])) < 60
        release.set()
        await holder

    asyncio.run(run())


def test_admitted_waits_within_the_deadline() -> None:
    """A deadline shorter than the longest wait decides who is refused at once, and who in the end."""

    async def run() -> None:
        admission, release = make_admission(1, deadline_seconds=0.2), asyncio.Event()
        holder = asyncio.create_task(hold(admission, release))
        await settle()
        with pytest.raises(errors.OverloadedError):
            await hold(admission, release)
        know_pace(admission, 0.15)
        waiting = [asyncio.create_task(hold(admission, release)) for _ in range(2)]
        await settle()
        with pytest.raises(errors.OverloadedError):
            admission.check("one")
        release.set()
        await asyncio.gather(holder, *waiting)

    asyncio.run(run())


def test_admitted_before_the_pace_was_known_is_refused_when_it_is() -> None:
    """Of twenty photos that began to wait on trust, those that cannot have their turn in time are told soon."""

    async def run() -> None:
        admission, release = make_admission(1), asyncio.Event()
        first = asyncio.create_task(hold(admission, release))
        await settle()
        waiting = [asyncio.create_task(hold(admission, asyncio.Event())) for _ in range(20)]
        await settle()
        know_pace(admission, 1.0)
        release.set()
        await first
        await settle()
        refused = [task.exception() for task in waiting if task.done()]
        assert [type(error) for error in refused] == [errors.OverloadedError] * 5
        assert [task.done() for task in waiting] == [False] * 15 + [True] * 5
        for task in waiting:
            task.cancel()

    asyncio.run(run())


def test_admitted_with_no_time_to_wait_is_refused_by_full_places() -> None:
    """With a longest wait of 0 a photo finds a place or is told when those in work have left."""

    async def run() -> None:
        admission, release = make_admission(1, max_wait_seconds=0), asyncio.Event()
        admission._mean_seconds = 3.2
        holder = asyncio.create_task(hold(admission, release))
        await settle()
        with pytest.raises(errors.OverloadedError) as refused:
            admission.check("another")
        assert refused.value.retry_after_seconds == 4
        release.set()
        await holder

    asyncio.run(run())


def test_admitted_photos_of_a_stream_wait_one_by_one_and_are_not_refused() -> None:
    """A stream has one photo in the queue at a time, which waits where a photo sent alone would be refused."""

    async def run() -> None:
        admission, release = make_admission(1), asyncio.Event()
        know_pace(admission, 6.0)
        stream = asyncio.Lock()

        async def send() -> None:
            async with admission.admitted("stream", stream):
                pass

        holders = [asyncio.create_task(hold(admission, release, caller)) for caller in "abc"]
        await settle()
        photos = [asyncio.create_task(send()) for _ in range(5)]
        await settle()
        assert len(admission._queue) == 3
        with pytest.raises(errors.OverloadedError):
            admission.check("stream")
        release.set()
        await asyncio.gather(*holders, *photos)
        assert admission.in_work == 0

    asyncio.run(run())


@pytest.mark.parametrize("is_called", [False, True], ids=["while waiting", "as its turn comes"])
def test_admitted_given_up_while_waiting_loses_no_place(is_called: bool) -> None:
    """A photo whose caller leaves while it waits, or just as its turn comes, leaves its place to the next."""

    async def run() -> None:
        admission, release = make_admission(1), asyncio.Event()
        release.set()
        async with admission.admitted("one"):
            second, third = (asyncio.create_task(hold(admission, release)) for _ in range(2))
            await settle()
            if not is_called:
                second.cancel()
                await settle()
                assert len(admission._queue) == 1
        second.cancel()  # called by the place that was left, and not run since
        await third
        assert second.cancelled()
        assert admission.in_work == 0

    asyncio.run(asyncio.wait_for(run(), 60))


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
    """A photo that may not wait is 503 overloaded before any of it is sent; then those in work are answered."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=2, max_in_flight=2, max_wait_seconds=0)
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


def test_predict_breed_of_one_caller_does_not_wait_for_all_of_another(
    start_gateway: Any, serving: Any, photo: bytes
) -> None:
    """With 60 photos of one address waiting, the one photo of another is answered after a few of them."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=1, max_in_flight=1)
    serving.released.clear()
    answered: list[str] = []

    def post(address: str) -> int:
        reply = gateway.post(URL, files={"dog_image": photo}, headers={"X-Forwarded-For": address})
        answered.append(address)
        return reply.status_code

    with ThreadPoolExecutor(61) as callers:
        replies = [callers.submit(post, "192.0.2.1") for _ in range(60)]
        wait_for(lambda: "detector_photos_waiting 59.0" in gateway.get("/metrics").text)
        replies.append(callers.submit(post, "192.0.2.2"))
        wait_for(lambda: "detector_photos_waiting 60.0" in gateway.get("/metrics").text)
        serving.released.set()
        assert {reply.result() for reply in replies} == {200}
    assert answered.index("192.0.2.2") < 10


def test_predict_breed_whose_client_leaves_is_waited_for_no_longer(
    start_gateway: Any, serving: Any, photo: bytes
) -> None:
    """A photo that waits is given up when its client leaves, and so are its bytes and its turn."""
    gateway = start_gateway(serving_address=serving.address, min_in_flight=1, max_in_flight=1)
    serving.released.clear()
    body = b'--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\n' + photo + b"\r\n--b--\r\n"
    head = f"Host: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}"
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(gateway.post, URL, files={"dog_image": photo})
        wait_for(lambda: in_work(gateway) == "detector_photos_in_work 1.0")
        with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=60) as connection:
            connection.sendall(f"POST {URL} HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)
            wait_for(lambda: "detector_photos_waiting 1.0" in gateway.get("/metrics").text)
        wait_for(lambda: "detector_photos_waiting 0.0" in gateway.get("/metrics").text)
        serving.released.set()
        assert first.result().status_code == 200
    wait_for(lambda: "detector_upload_bytes 0.0" in gateway.get("/metrics").text)
    assert len([one for one in serving.requests if one.model_spec.signature_name == "pixels"]) == 1
