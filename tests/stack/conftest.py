"""docker, and the whole product running on it, for the tests of the containers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

REPOSITORY = Path(__file__).parents[2]
BASES = ("python:3.11-slim-bookworm", "nginx:1.30-trixie")
SERVING = "tensorflow/serving:2.21.0"
STANDIN_LABEL = "dog-breed-detector.stand-in"
DEADLINE = 120.0


@pytest.fixture(scope="session")
def docker(require: Callable[[object, str], None]) -> Callable[..., str]:
    """Return what runs a command of docker in the repository; skip without Compose v2."""
    require(_docker_has_compose(), "docker with Compose v2")
    return _docker


def _docker(*arguments: str, **environment: str) -> str:
    """Return what the command prints; raise with its stderr."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PORT", "COMPOSE_PROJECT_NAME")}
    done = subprocess.run(
        ["docker", *arguments], cwd=REPOSITORY, env=inherited | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def _docker_has_compose() -> bool:
    try:
        _docker("compose", "version")
    except (OSError, RuntimeError):
        return False
    return True


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

    @property
    def baked(self) -> str:
        """Return the name of the image of TensorFlow Serving that brings its model."""
        return f"{self.project}-baked"

    def compose(self, *arguments: str) -> str:
        """Run a command of docker compose on this project."""
        # All that the tests ask comes from one address.
        environment = {"PORT": str(self.port), "REQUESTS_PER_SECOND": "1000"}
        return self.docker("compose", "-p", self.project, *arguments, **environment)

    def up(self, **replicas: int) -> None:
        """Start what is not running, so many of a service, and wait until all is healthy; raises with the logs."""
        scale = [f"--scale={service}={count}" for service, count in replicas.items()]
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", "300", *scale)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.compose('logs', '--no-color', '--tail', '50')}") from error

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the service's one container."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, Any] = json.loads(self.docker("inspect", container))[0]
        return found

    def containers(self, service: str) -> list[str]:
        """Return the ids of the service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    @staticmethod
    def wait_until(condition: Callable[[], bool]) -> None:
        """Return as soon as the condition holds; fail after the deadline."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.2)

    def execute(self, service: str, command: str) -> str:
        """Run a shell command inside the service's container and return what it prints."""
        return self.compose("exec", "-T", service, "sh", "-c", command)


@pytest.fixture(scope="session")
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
        docker("image", "rm", "--force", stack.baked)


def build_images(stack: Stack) -> None:
    """Build all images, on the stand-in if this machine has no true TensorFlow Serving image."""
    docker = stack.docker
    if succeeds(docker, "image", "inspect", SERVING) and not is_standin(docker):
        stack.compose("build")
        build_baked(stack)
        return
    # The local server, under upstream's name: never publish it. The label tells it from the true one.
    build_stage(docker, "local-server", SERVING, "--label", f"{STANDIN_LABEL}=tensorflow/serving")
    try:
        stack.compose("build")
        build_baked(stack)
    finally:
        # Left there, the next `docker compose up` on this machine would take it for the true one. By force, an image
        # that is gone already is no error, as when the engine lost it: what failed before is told then.
        docker("image", "rm", "--force", SERVING)


def build_baked(stack: Stack) -> None:
    """Build the image that has the starter model in it."""
    build_stage(stack.docker, "serving", stack.baked, "--build-arg", "MODEL=baked")


def build_stage(docker: Callable[..., str], stage: str, tag: str, *options: str) -> None:
    """Build a stage of the trainer's and server's Dockerfile."""
    where = ("--file", "model_serving/Dockerfile", "--target", stage)
    docker("buildx", "build", "--load", "--tag", tag, *where, *options, ".")


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
