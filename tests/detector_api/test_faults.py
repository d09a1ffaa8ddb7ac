"""Answers of a gateway while its real model server is killed, frozen or restarted; and the gateway's own end."""

from __future__ import annotations

import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real_serving import URL, gateway, local_server, save_model, status, wait_until

DEADLINE_SECONDS = 3.0
# Above the deadline, on a machine that does other things as well.
SLACK_SECONDS = 30.0


@pytest.fixture
def ports(free_ports: Callable[[int], list[int]]) -> list[int]:
    """Return a port for the server and one for the gateway."""
    return free_ports(2)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    save_model(tmp_path / "models" / "1")
    return tmp_path / "models"


@pytest.fixture
def client(models: Path, ports: list[int]) -> Iterator[httpx.Client]:
    with gateway(*ports, deadline_seconds=DEADLINE_SECONDS) as (_, client):
        yield client


def ask(client: httpx.Client, photo: bytes) -> str:
    """Return the breed, or the code of the problem, which must be told in time and in its shape."""
    start = time.monotonic()
    response = client.post(URL, files={"dog_image": photo})
    assert time.monotonic() - start < DEADLINE_SECONDS + SLACK_SECONDS
    said = response.json()
    if response.status_code == 200:
        return "breed"
    assert said["status"] == response.status_code
    assert ("retry-after" in response.headers) is (response.status_code == 503)
    return str(said["code"])


def outcomes_until_answered(client: httpx.Client, photo: bytes) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    wait_until(lambda: outcomes.update([ask(client, photo)]) or outcomes["breed"] > 0)
    return outcomes


def test_gateway_before_a_killed_server_says_so_and_recovers(
    client: httpx.Client, models: Path, ports: list[int], photo: bytes
) -> None:
    """After kill -9 every photo is 503 model_unavailable; after the restart photos are answered again, unasked."""
    with local_server(models, ports[0]) as server:
        wait_until(lambda: status(client, "/readyz") == 200)
        assert Counter(ask(client, photo) for _ in range(20)) == {"breed": 20}
        server.kill()
        server.wait()
        assert Counter(ask(client, photo) for _ in range(20)) == {"model_unavailable": 20}
        assert status(client, "/readyz") == 503
        assert status(client, "/livez") == 200
    with local_server(models, ports[0]):
        outcomes = outcomes_until_answered(client, photo)
        assert set(outcomes) <= {"model_unavailable", "breed"}
        assert Counter(ask(client, photo) for _ in range(20)) == {"breed": 20}
        assert status(client, "/readyz") == 200


def test_gateway_before_a_frozen_server_keeps_its_deadline_and_recovers(
    client: httpx.Client, models: Path, ports: list[int], photo: bytes
) -> None:
    """Photos that a frozen server holds end in time as 504 or 503, later ones at once; all is well when it thaws."""
    with local_server(models, ports[0]) as server, ThreadPoolExecutor(3) as callers:
        wait_until(lambda: status(client, "/readyz") == 200)
        assert ask(client, photo) == "breed"
        server.send_signal(signal.SIGSTOP)
        held = Counter(callers.map(lambda _: ask(client, photo), range(8)))
        assert set(held) <= {"deadline", "model_unavailable", "overloaded"}
        # Whichever is first: the photo's deadline, or a ping of the connection that is not answered.
        assert held["deadline"] + held["model_unavailable"] > 0
        wait_until(lambda: status(client, "/readyz") == 503)
        assert "detector_circuit_open 1.0" in client.get("/metrics").text
        assert Counter(ask(client, photo) for _ in range(20)) == {"model_unavailable": 20}
        server.send_signal(signal.SIGCONT)
        outcomes_until_answered(client, photo)
        assert Counter(ask(client, photo) for _ in range(20)) == {"breed": 20}


def test_gateway_before_a_server_that_returns_with_another_size_recovers(
    client: httpx.Client, models: Path, ports: list[int], photo: bytes
) -> None:
    """A server that restarts with a model of another input size, under the same number, is asked in its own size."""
    with local_server(models, ports[0]):
        wait_until(lambda: status(client, "/readyz") == 200)
        assert ask(client, photo) == "breed"
    assert ask(client, photo) == "model_unavailable"
    save_model(models.parent / "other" / "1", size=12)
    with local_server(models.parent / "other", ports[0]):
        assert set(outcomes_until_answered(client, photo)) <= {"model_unavailable", "breed"}
        assert Counter(ask(client, photo) for _ in range(20)) == {"breed": 20}
        assert client.get("/api/v1/model").json()["card"]["input_size"] == 12


def test_gateway_told_to_end_answers_what_it_took(serving: Any, ports: list[int], photo: bytes) -> None:
    """After SIGTERM the photos in work are answered, no connection is accepted, and the process ends well."""
    with gateway(serving.port, ports[1], min_in_flight=8) as (process, client), ThreadPoolExecutor(8) as callers:
        serving.released.clear()
        taken = [callers.submit(client.post, URL, files={"dog_image": photo}) for _ in range(8)]
        wait_until(lambda: "detector_photos_in_work 8.0" in client.get("/metrics").text)
        process.terminate()
        wait_until(lambda: refuses(ports[1]))
        process.terminate()  # impatience changes nothing
        serving.released.set()
        assert [answer.result().status_code for answer in taken] == [200] * 8
        assert process.wait(60) == 0


def test_gateway_told_to_end_before_a_stuck_server_ends(serving: Any, ports: list[int], photo: bytes) -> None:
    """A server that never answers costs the end no more than the photo's deadline."""
    with gateway(serving.port, ports[1], deadline_seconds=1) as (process, client), ThreadPoolExecutor(1) as callers:
        assert ask(client, photo) == "breed"
        serving.released.clear()
        taken = callers.submit(client.post, URL, files={"dog_image": photo})
        wait_until(lambda: "detector_photos_in_work 1.0" in client.get("/metrics").text)
        process.terminate()
        assert taken.result().status_code == 504
        assert process.wait(60) == 0


def test_gateway_told_to_end_in_a_stream_says_which_photos_to_send_again(
    serving: Any, ports: list[int], photo: bytes
) -> None:
    """A stream that goes on and on ends with what was read, and a line that tells to send the rest again."""
    part = b'--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\n' + photo + b"\r\n--b\r\n"
    head = "POST /api/v1/predict_breeds HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with (
        gateway(serving.port, ports[1]) as (process, _),
        socket.create_connection(("127.0.0.1", ports[1]), timeout=60) as connection,
    ):
        connection.sendall(f"{head}Content-Length: 999999\r\n\r\n".encode() + part)
        received = b""
        while b'"index":0' not in received:
            received += connection.recv(65536)
        process.terminate()
        while piece := connection.recv(65536):
            received += piece
        assert received.count(b'"index":') == 2
        assert b'"index":null,"filename":null,"error":{"code":"closing"' in received
        assert process.wait(60) == 0


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False
