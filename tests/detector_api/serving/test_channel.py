"""Two real model servers behind one gateway: both are used, and losing one of them loses no photo."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from detector_api.serving.channel import to_target

URL = "/api/v1/predict_breed"
REPOSITORY = Path(__file__).parents[3]
START_SECONDS = 60


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("serving:8500", "dns:///serving:8500"),
        ("127.0.0.1:8500", "dns:///127.0.0.1:8500"),
        ("10.0.0.1:8500,10.0.0.2:8501", "ipv4:10.0.0.1:8500,10.0.0.2:8501"),
        ("dns://10.0.0.53/serving:8500", "dns://10.0.0.53/serving:8500"),
        ("ipv6:[::1]:8500,[::1]:8501", "ipv6:[::1]:8500,[::1]:8501"),
        ("unix:/run/serving", "unix:/run/serving"),
    ],
)
def test_to_target_names_every_kind_of_address(address: str, target: str) -> None:
    """One host, a list of addresses, and gRPC's own targets are all understood."""
    assert to_target(address) == target


class Replica:
    """A model server in a process of its own, with a model that tells by its version which server answered."""

    def __init__(self, number: int, port: int, folder: Path) -> None:
        self.number, self.port, self.folder = number, port, folder
        save_model(folder / str(number))

    def start(self) -> None:
        command = [sys.executable, "-m", "local_server.main", "--host=127.0.0.1", f"--port={self.port}"]
        command += ["--model_name=dog_breed", f"--model_base_path={self.folder}"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY)

    def wait_until_open(self) -> None:
        wait_until(lambda: opens(self.port) or self.process.poll() is not None)
        assert self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


def save_model(path: Path) -> None:
    """Write the smallest model that the gateway can ask."""
    card = {"input_size": 8, "crop": 1, "breeds": ["Akita", "Beagle"], "detects_dogs": True, "thresholds": {"dog": 0.5}}

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.uint8, "pixels")])
    def pixels(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "top_breeds": tf.constant([["Akita", "Beagle"]]),
            "top_probabilities": tf.constant([[0.75, 0.25]]),
            "dog_probability": tf.reduce_mean(tf.cast(pixels, tf.float32), [1, 2, 3]) / 255,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "unused")])
    def describe(unused: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"model_card": tf.constant([json.dumps(card)])}

    module = tf.Module()
    module.pixels, module.describe = pixels, describe
    tf.saved_model.save(module, path, signatures={"pixels": pixels, "describe": describe})


def opens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this has not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def replicas(
    tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]]
) -> Iterator[list[Replica]]:
    """Two model servers, for all tests here: starting one takes the import of TensorFlow."""
    ports = free_ports(2)
    replicas = [Replica(number, port, tmp_path_factory.mktemp("model")) for number, port in enumerate(ports, 1)]
    for replica in replicas:
        replica.start()
    yield replicas
    for replica in replicas:
        replica.process.kill()
        replica.process.wait()


@pytest.fixture
def gateway(replicas: list[Replica], start_gateway: Any) -> Any:
    """A gateway before both, with both running, whatever the test before did to them."""
    for replica in replicas:
        if replica.process.poll() is not None:
            replica.start()
    for replica in replicas:
        replica.wait_until_open()
    addresses = ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
    client = start_gateway(serving_address=addresses, deadline_seconds=START_SECONDS, min_in_flight=16)
    client.timeout = START_SECONDS
    return client


def ask(gateway: Any, photo: bytes) -> int:
    """Return which server answered."""
    response = gateway.post(URL, files={"dog_image": photo})
    assert response.status_code == 200, response.text
    return response.json()["model"]["version"]


def test_predict_with_two_servers_uses_both_alike(gateway: Any, photo: bytes) -> None:
    """Calls go round over the servers that are connected."""
    wait_until(lambda: {ask(gateway, photo) for _ in range(4)} == {1, 2})
    assert Counter(ask(gateway, photo) for _ in range(20)) == {1: 10, 2: 10}


def test_predict_while_a_server_is_killed_answers_every_photo(
    gateway: Any, replicas: list[Replica], photo: bytes
) -> None:
    """A server that is killed under load costs no photo, and is used again when it is back."""
    wait_until(lambda: {ask(gateway, photo) for _ in range(4)} == {1, 2})
    dies_at = 500
    answered: list[int] = []

    def send(number: int) -> None:
        if number == dies_at:
            replicas[1].send(signal.SIGKILL)
        answered.append(ask(gateway, photo))

    with ThreadPoolExecutor(16) as callers:
        list(callers.map(send, range(2_000)))  # raises what any of them met
    replicas[1].process.wait()
    assert len(answered) == 2_000
    assert Counter(answered)[2] > 100
    assert set(answered[-1_000:]) == {1}

    replicas[1].start()
    wait_until(lambda: ask(gateway, photo) == 2)


def test_predict_while_a_server_is_frozen_is_answered_by_the_other(
    gateway: Any, replicas: list[Replica], photo: bytes
) -> None:
    """A server that holds its connection and says nothing is given up before the deadline, and the other one asked."""
    wait_until(lambda: {ask(gateway, photo) for _ in range(4)} == {1, 2})
    replicas[0].send(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as callers:
            assert set(callers.map(lambda _: ask(gateway, photo), range(8))) == {2}
    finally:
        replicas[0].send(signal.SIGCONT)
    wait_until(lambda: ask(gateway, photo) == 1)


class NameServer:
    """A DNS server that gives the same addresses for every name."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, caller = self._socket.recvfrom(512)
            if not query:
                return
            end = query.index(0, 12) + 5
            asks_ipv4 = query[end - 4 : end - 2] == b"\0\1"
            addresses = self.addresses if asks_ipv4 else []
            reply = query[:2] + struct.pack(">5H", 0x8180, 1, len(addresses), 0, 0) + query[12:end]
            for address in addresses:  # each for the name in the question, for no time at all
                reply += struct.pack(">3HIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
            self._socket.sendto(reply, caller)


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8 as its own addresses")
def test_predict_finds_the_servers_that_join_a_name(
    names: NameServer, start_serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """A server that is added to the name is used once connections reach the age that the servers give them."""
    first = start_serving("127.0.0.1", 0, ("grpc.max_connection_age_ms", 500))
    second = start_serving("127.0.0.2", first.port, ("grpc.max_connection_age_ms", 500))
    second.version = first.version + 1
    names.addresses = ["127.0.0.1"]
    gateway = start_gateway(serving_address=f"dns://127.0.0.1:{names.port}/serving.test:{first.port}")
    assert ask(gateway, photo) == first.version
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    wait_until(lambda: ask(gateway, photo) == second.version)
