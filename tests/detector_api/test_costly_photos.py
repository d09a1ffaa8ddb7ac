"""Photos that cost more than a photo may: refused in words that are true, while all others are answered."""

from __future__ import annotations

import functools
import io
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from PIL import Image

from detector_api.prediction import predictor
from model_serving.photos.pool import DecoderPool
from tests.real_serving import gateway, status, wait_until

URL = "/api/v1/predict_breed"


@functools.cache
def costly() -> bytes:
    """Return a photo of nearly the most pixels, which takes a second or more to decode."""
    buffer = io.BytesIO()
    Image.new("RGBA", (7000, 7000), (200, 100, 50, 100)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def ordinary() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((500, 375), 50).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def attacked(client: httpx.Client, attackers: int) -> Iterator[list[httpx.Response]]:
    """Keep as many costly photos in work until the block ends; yield the answers, which grow."""
    answers: list[httpx.Response] = []
    stopped = threading.Event()

    def attack() -> None:
        while not stopped.is_set():
            try:
                answers.append(client.post(URL, files={"dog_image": costly()}))
            except httpx.TransportError:
                return

    threads = [threading.Thread(target=attack) for _ in range(attackers)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def test_predict_while_two_costly_photos_are_always_in_work_answers_the_others(
    serving: Any, start_gateway: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender of endless costly photos waits alone: every other photo is answered, and not one refused."""
    monkeypatch.setattr(predictor, "DecoderPool", functools.partial(DecoderPool, cpu_seconds=0.3))
    client = start_gateway(serving_address=serving.address, decode_threads=2)
    with attacked(client, 2) as attacks:
        answers = []
        while len(attacks) < 4:
            answers.append(client.post(URL, files={"dog_image": ordinary()}).status_code)
    assert len(answers) > 20
    assert set(answers) == {200}
    assert {(attack.status_code, attack.json()["code"]) for attack in attacks} == {(413, "too_large")}
    assert "too much time or memory" in attacks[0].json()["detail"]


def test_gateway_told_to_stop_amid_costly_photos_ends_in_time(
    serving: Any, free_ports: Callable[[int], list[int]]
) -> None:
    """A decoder at work holds up no end, and outlives none."""
    (port,) = free_ports(1)
    serving_port = int(serving.address.rpartition(":")[2])
    with gateway(serving_port, port, decode_threads=2) as (process, client):
        wait_until(lambda: status(client, "/readyz") == 200)
        with attacked(client, 4):
            time.sleep(1)
            decoders = children(process)
            assert len(decoders) >= 2
            process.send_signal(signal.SIGTERM)
            assert process.wait(12) == 0
        wait_until(lambda: not any(is_running(pid) for pid in decoders), 1)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(process.pid)]).split()]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
