"""A classifier of one's own, from a folder of photos to the page, by the commands of the trainer's README."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.dog_breed.test_laptop import running

pytestmark = pytest.mark.model

README = Path(__file__).parents[2] / "model_serving" / "README.md"
COMMANDS = re.findall(r"(?m)^\.venv/bin/dog-breed (.*(?:models|elsewhere)/cats)", README.read_text())
BREEDS = ("Birman", "Bombay", "Persian")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_images: Path) -> Path:
    """An empty current folder but for `CATS`, a few photos of three breeds."""
    monkeypatch.chdir(tmp_path)
    for breed in BREEDS:
        (tmp_path / "CATS" / breed).mkdir(parents=True)
        for photo in sorted((shared_images / "oxford_cats" / "train" / breed).iterdir())[:12]:
            shutil.copy(photo, tmp_path / "CATS" / breed)
    return tmp_path


def test_four_commands_lead_from_a_folder_of_cats_to_the_page(
    here: Path, shared_images: Path, free_ports: Callable[[int], list[int]]
) -> None:
    """A version that was trained, packed and unpacked names the breed of an unseen cat at the page's address."""
    *before, run = map(shlex.split, COMMANDS)
    for command in before:
        subprocess.run([sys.executable, "-m", "dog_breed", *command], cwd=here, check=True, timeout=300)
    assert run[:2] == ["run", "--model"]
    photo = next((shared_images / "oxford_cats" / "valid" / "Birman").iterdir())
    with running(here / run[2], free_ports(3)) as laptop:
        laptop.wait_until_ready()
        reply = httpx.post(f"{laptop.url}/api/v1/predict_breed", files={"dog_image": photo.read_bytes()}, timeout=60)
        card = httpx.get(f"{laptop.url}/api/v1/model").json()["card"]
    assert (reply.status_code, card["breeds"]) == (200, list(BREEDS))
    assert reply.json()["breed"] == "Birman"
    assert reply.json()["is_dog"] is None
    assert card["subject"] == {"one": "cat", "many": "cats", "class": "breed", "classes": "breeds"}
