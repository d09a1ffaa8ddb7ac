"""docker, as the tests of the containers use it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


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
