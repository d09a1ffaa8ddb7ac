"""The containers on a real engine, from an empty volume to an answer through nginx."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.containers

LONG_RUNNING = ("gateway", "page", "serving")
BASES = ("python:3.11-slim-bookworm", "nginx:1.27-bookworm")
SERVING = "tensorflow/serving:2.21.0"
STANDIN = Path(__file__).parent / "standins"
STANDIN_LABEL = "dog-breed-detector.stand-in"


@dataclass(frozen=True)
class Stack:
    """The whole product under a project name of its own, on a free port."""

    docker: Callable[..., str]
    project: str
    port: int

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str) -> str:
        """Run a command of docker compose on this project."""
        return self.docker("compose", "-p", self.project, *arguments, PORT=str(self.port))

    def up(self) -> None:
        """Start what is not running and wait until all is healthy; raises with the logs."""
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", "300")
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.compose('logs', '--no-color', '--tail', '50')}") from error

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the service's one container."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, Any] = json.loads(self.docker("inspect", container))[0]
        return found

    def execute(self, service: str, command: str) -> str:
        """Run a shell command inside the service's container and return what it prints."""
        return self.compose("exec", "-T", service, "sh", "-c", command)


@pytest.fixture(scope="module")
def stack(docker: Callable[..., str], require: Callable[[object, str], None]) -> Iterator[Stack]:
    """Build all images and start the product from an empty volume; leave nothing behind."""
    require(succeeds(docker, "info"), "a running container engine (`docker info`)")
    for image in BASES:
        require(succeeds(docker, "image", "inspect", image), f"the base image {image}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        stack = Stack(docker, f"dog-breed-test-{uuid4().hex[:8]}", free.getsockname()[1])
    try:
        build_images(stack)
        stack.up()
        yield stack
    finally:
        stack.compose("down", "--volumes", "--rmi", "local", "--timeout", "3")


def build_images(stack: Stack) -> None:
    """Build all images, on the stand-in if this machine has no true TensorFlow Serving image."""
    docker = stack.docker
    if succeeds(docker, "image", "inspect", SERVING) and not is_standin(docker):
        stack.compose("build")
        return
    stack.compose("build", "model")
    trainer = f"TRAINER={stack.project}-model"
    docker("buildx", "build", "--load", "--tag", SERVING, "--build-arg", trainer, str(STANDIN))
    try:
        stack.compose("build")
    finally:
        # Left there, the next `docker compose up` on this machine would take it for the true one.
        docker("image", "rm", SERVING)


def succeeds(docker: Callable[..., str], *arguments: str) -> bool:
    """Say whether the command of docker succeeds."""
    try:
        docker(*arguments)
    except RuntimeError:
        return False
    return True


def is_standin(docker: Callable[..., str]) -> bool:
    """Say whether the image named TensorFlow Serving is the tests' own."""
    return bool(docker("image", "ls", "--quiet", "--filter", f"label={STANDIN_LABEL}", SERVING).strip())


def test_post_photo_names_breed(stack: Stack, shared_images: Path) -> None:
    """A photo sent to the published port comes back with its breed, through nginx, gateway and TensorFlow Serving."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    reply = httpx.post(f"{stack.url}/api/v1/predict_breed", files={"dog_image": photo}, timeout=30)
    assert (reply.status_code, reply.json()["breed"], reply.json()["is_dog"]) == (200, "Brittany", True)
    assert reply.json()["model"] == {"name": "dog_breed", "version": 1}


def test_post_large_photo_needs_no_disk(stack: Stack, shared_images: Path) -> None:
    """A photo larger than the usual buffers passes, though no service has a disk to put it on."""
    body = io.BytesIO()
    with Image.open(shared_images / "dogs" / "Brittany_02625.jpg") as photo:
        photo.resize((photo.width * 6, photo.height * 6)).save(body, "JPEG", quality=100)
    assert body.tell() > 2 * 2**20
    reply = httpx.post(f"{stack.url}/api/v1/predict_breed", files={"dog_image": body.getvalue()}, timeout=30)
    assert (reply.status_code, reply.json().get("breed")) == (200, "Brittany")


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/", "text/html", "<title>"),
        ("/js/main.js", "javascript", "import"),
        ("/readyz", "application/json", ""),
        ("/v1/models/dog_breed", "application/json", '"AVAILABLE"'),
    ],
)
def test_get_through_nginx_reaches_every_service(stack: Stack, path: str, kind: str, text: str) -> None:
    """nginx serves the page, and passes on to the gateway and to TensorFlow Serving's REST API."""
    reply = httpx.get(stack.url + path)
    assert reply.status_code == 200, reply.text
    assert kind in reply.headers["content-type"]
    assert text in reply.text


def test_inspect_containers_publish_one_port(stack: Stack) -> None:
    """The engine listens on the host for the page alone."""
    ports = {name: stack.inspect(name)["HostConfig"]["PortBindings"] or {} for name in LONG_RUNNING}
    assert {name: list(bindings) for name, bindings in ports.items()} == {
        "gateway": [],
        "page": ["8080/tcp"],
        "serving": [],
    }


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_look_inside_container_finds_no_privilege(stack: Stack, service: str) -> None:
    """Every running process is an ordinary user's, has no capability, and cannot write to its own root."""
    state = stack.inspect(service)["State"]
    assert (state["Health"]["Status"], state["OOMKilled"]) == ("healthy", False)
    status = stack.execute(service, "cat /proc/[0-9]*/status")
    assert all(int(user) > 0 for line in re.findall(r"(?m)^[UG]id:(.*)", status) for user in line.split())
    assert set(re.findall(r"(?m)^Cap(?:Prm|Eff|Bnd):\s*(\w+)", status)) == {"0" * 16}
    mounts = stack.execute(service, "cat /proc/mounts")
    assert re.search(r"(?m)^overlay / overlay ro,", mounts)
    assert not re.search(r"(?m)^\S+ /models \S+ rw,", mounts)


def test_start_again_keeps_model(stack: Stack) -> None:
    """The one-shot service builds the model on the first start, and on a second finds it and ends at once."""
    assert "exported /models/dog_breed/1" in stack.compose("logs", "model")
    written = stack.execute("serving", "stat -c '%n %Y %Z' /models/dog_breed/*")
    stack.up()
    assert stack.compose("logs", "model").count("exported") == 1
    assert stack.execute("serving", "stat -c '%n %Y %Z' /models/dog_breed/*") == written
    state = stack.inspect("model")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
