"""Several of a service on a real engine: all are found and asked, and one that is killed costs nothing."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.containers

DEADLINE = 60.0
# Of each service: where it shows its metrics, and which of them counts the photos that it answered.
COUNTERS = {
    "serving": (8501, "/monitoring/prometheus/metrics", r':tensorflow:serving:request_count\{[^}]*status="OK"\} (\S+)'),
    "gateway": (8000, "/metrics", r'detector_requests_total\{[^}]*status="200"[^}]*\} (\S+)'),
}


class Askers:
    """Three people who keep sending one photo to the page's port, and note what comes back."""

    def __init__(self, url: str, photo: bytes) -> None:
        self.outcomes: Counter[str] = Counter()
        self._url = f"{url}/api/v1/predict_breed"
        self._photo = photo
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _ask(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                try:
                    reply = client.post(self._url, files={"dog_image": self._photo})
                    outcome = str(reply.json().get("breed") or reply.text)
                except (httpx.HTTPError, ValueError) as error:
                    outcome = repr(error)
                self.outcomes[outcome] += 1


@pytest.fixture(scope="module")
def scaled(stack: Any) -> Any:
    """Return the stack with two servers and two gateways; the first of each has run for a while."""
    stack.up(serving=2, gateway=2)
    return stack


@pytest.fixture
def askers(scaled: Any, shared_images: Path) -> Iterator[Askers]:
    """Return people who keep asking until the test ends."""
    with Askers(scaled.url, (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()) as askers:
        yield askers


def answered(stack: Any, service: str) -> dict[str, float]:
    """Return how many photos each running container of the service has answered."""
    port, path, pattern = COUNTERS[service]
    command = f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    texts = {one: stack.docker("exec", one, "bash", "-c", command) for one in stack.containers(service)}
    return {one: sum(map(float, re.findall(pattern, text))) for one, text in texts.items()}


@pytest.mark.parametrize("service", ["serving", "gateway"])
def test_kill_one_of_two_fails_no_request(scaled: Any, askers: Askers, service: str) -> None:
    """Both of a service answer, the added one too; when one is killed under load, every photo is still answered."""
    counts = answered(scaled, service)
    assert len(counts) == 2
    scaled.wait_until(lambda: all(count > counts[one] for one, count in answered(scaled, service).items()))
    victim, survivor = counts
    scaled.docker("kill", victim)
    asked, done = sum(askers.outcomes.values()), answered(scaled, service)
    assert set(done) == {survivor}
    # Long enough for whatever still hoped for the dead one to give up.
    scaled.wait_until(lambda: sum(askers.outcomes.values()) >= asked + 100)
    assert answered(scaled, service)[survivor] > done[survivor]
    assert set(askers.outcomes) == {"Brittany"}
