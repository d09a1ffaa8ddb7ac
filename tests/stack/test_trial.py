"""A canary in containers: servers and gateways follow the file in the volume, and none of them starts anew.

After all other files of this folder: the service `model` is another one here, and its log is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.containers

FILES = ("-f", "docker-compose.yaml", "-f", "deploy/canary.yaml")
MODEL = ("--model", "/models/dog_breed")


@pytest.fixture
def trial(stack: Any) -> Iterator[Any]:
    """The stack as one starts it for a canary, with a copy of version 1 on the shelf as version 2."""
    copy = "mkdir /models/dog_breed/.shelf && cp -r /models/dog_breed/1 /models/dog_breed/.shelf/2"
    stack.compose("run", "--rm", "--entrypoint", "sh", "model", "-c", copy)
    try:
        stack.compose(*FILES, "up", "--detach", "--wait", "--wait-timeout", "300")
        yield stack
    finally:
        remove = "cd /models/dog_breed && rm -rf 2 .shelf .labelled models.config"
        stack.compose("run", "--rm", "--entrypoint", "sh", "model", "-c", remove)
        stack.up()


def test_canary_is_tried_promoted_and_rolled_back_without_a_restart(trial: Any, shared_images: Path) -> None:
    """Answers come from the version that the command line says, and no photo is without one meanwhile."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    asked: list[int] = []

    def is_answered_by(version: int, label: str) -> bool:
        reply = httpx.post(f"{trial.url}/api/v1/predict_breed", files={"dog_image": photo}, timeout=30)
        asked.append(reply.status_code)
        return bool(reply.json().get("model") == {"name": "dog_breed", "version": version, "label": label})

    running = {service: trial.containers(service) for service in ("gateway", "serving")}
    assert is_answered_by(1, "stable")
    for verb, version, label in (
        (("canary", "2", "--percent", "100"), 2, "canary"),
        (("promote", "2"), 2, "stable"),
        (("rollback",), 1, "stable"),
    ):
        trial.compose("run", "--rm", "model", *verb, *MODEL)
        trial.wait_until(partial(is_answered_by, version, label))
    assert set(asked) == {200}
    assert {service: trial.containers(service) for service in running} == running
