"""`dog-breed run`: the whole product as processes on this machine, with the real starter model."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from detector_app import runtime
from dog_breed.laptop import fetch_runtime

pytestmark = pytest.mark.model

START_SECONDS = 90
FreePorts = Callable[[int], list[int]]


@dataclass
class Run:
    """A running `dog-breed run` and what it has printed."""

    process: subprocess.Popen[str]
    port: int
    rest_port: int
    lines: list[str] = field(default_factory=list)
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def read(self) -> None:
        """Collect output until the process ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("Ready"):
                self._ready.set()
        self._ready.set()

    def wait_until_ready(self) -> None:
        assert self._ready.wait(START_SECONDS), self.lines
        assert self.process.poll() is None, self.lines


@contextlib.contextmanager
def running(model: Path, ports: list[int]) -> Iterator[Run]:
    port, grpc_port, rest_port = ports
    command = [sys.executable, "-m", "dog_breed", "run", "--model", str(model), "--port", str(port)]
    command += ["--grpc-port", str(grpc_port), "--rest-port", str(rest_port)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    run = Run(process, port, rest_port)
    reader = threading.Thread(target=run.read)
    reader.start()
    try:
        yield run
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join()


@pytest.fixture(scope="module")
def laptop(starter_model: Path, free_ports: FreePorts) -> Iterator[Run]:
    with running(starter_model, free_ports(3)) as run:
        run.wait_until_ready()
        yield run


def test_run_answers_a_real_photo(laptop: Run, shared_images: Path) -> None:
    """A photo sent to the page's address comes back with the right breed."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    reply = httpx.post(f"{laptop.url}/api/v1/predict_breed", files={"dog_image": photo}, timeout=30)
    assert reply.status_code == 200
    assert reply.json()["breed"] == "Brittany"
    assert reply.json()["is_dog"] is True


def test_run_serves_the_page_and_the_api_on_one_port(laptop: Run) -> None:
    """Page, readiness, OpenAPI and TensorFlow Serving's REST API have one origin, as behind nginx."""
    assert "text/html" in httpx.get(f"{laptop.url}/").headers["content-type"]
    assert httpx.get(f"{laptop.url}/readyz").json() == {"status": "ok"}
    assert httpx.get(f"{laptop.url}/openapi.json").status_code == 200
    status = httpx.get(f"{laptop.url}/v1/models/dog_breed").json()
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    described = httpx.post(
        f"{laptop.url}/v1/models/dog_breed:predict", json={"signature_name": "describe", "inputs": [""]}
    )
    assert "Affenpinscher" in described.json()["outputs"][0]


def test_run_answers_a_missing_api_as_a_problem(laptop: Run) -> None:
    """An unknown path under /api/ is the gateway's to answer, not the page's."""
    reply = httpx.get(f"{laptop.url}/api/v2/nothing")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


def test_run_on_taken_port_says_how_to_choose_another(laptop: Run, starter_model: Path) -> None:
    """A second start on the same port ends at once with the setting to change, and disturbs nothing."""
    command = [sys.executable, "-m", "dog_breed", "run", "--model", str(starter_model), "--port", str(laptop.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert f"Port {laptop.port} is taken" in second.stderr
    assert "make run PORT=" in second.stderr
    assert httpx.get(f"{laptop.url}/readyz").status_code == 200


def interrupt(run: Run) -> None:
    """Press Ctrl-C: a terminal sends the signal to the whole group."""
    os.killpg(run.process.pid, signal.SIGINT)


def terminate(run: Run) -> None:
    """Do as `kill` and service managers do: send the signal to the one process."""
    run.process.terminate()


@pytest.mark.parametrize("stop", [interrupt, terminate])
def test_run_stops_all_it_started(starter_model: Path, free_ports: FreePorts, stop: Callable[[Run], None]) -> None:
    """However it is told to stop, no process of the group and no open port is left."""
    with running(starter_model, free_ports(3)) as run:
        run.wait_until_ready()
        stop(run)
        run.process.wait(30)
        with pytest.raises(ProcessLookupError):
            os.killpg(run.process.pid, 0)
        for port in (run.port, run.rest_port):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
        assert not any("Traceback" in line for line in run.lines), run.lines


def test_run_with_unreadable_model_says_why(tmp_path: Path, free_ports: FreePorts) -> None:
    """A damaged version ends the start with the server's reason, not with a page that never answers."""
    (tmp_path / "model" / "1").mkdir(parents=True)
    (tmp_path / "model" / "1" / "saved_model.pb").write_bytes(b"damaged")
    with running(tmp_path / "model", free_ports(3)) as run:
        assert run.process.wait(START_SECONDS) == 1
    printed = "".join(run.lines)
    assert "saved_model.pb" in printed
    assert "The model server could not start" in printed


def test_run_on_the_same_port_twice_says_so(starter_model: Path) -> None:
    """Ports that are equal are told before anything is started."""
    command = [sys.executable, "-m", "dog_breed", "run", "--model", str(starter_model)]
    done = subprocess.run([*command, "--port", "8501"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("dog-breed: PORT=8501")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the model server's process in /proc")
def test_run_stops_when_the_model_server_dies(starter_model: Path, free_ports: FreePorts) -> None:
    """Half a product is not left running: the person is told and the command ends."""
    with running(starter_model, free_ports(3)) as run:
        run.wait_until_ready()
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert run.process.wait(30) == 1
    assert "The model server has stopped" in "".join(run.lines)


def test_run_without_npm_goes_on_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A laptop without Node.js starts without answers on the device, and is told what they take."""
    monkeypatch.setattr(runtime, "is_there", lambda *_: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    fetch_runtime()
    assert "Install Node.js" in capsys.readouterr().out
