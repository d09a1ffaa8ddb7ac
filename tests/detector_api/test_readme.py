"""The gateway's README: its snippets run, its tables tell all errors and all settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detector_api import errors
from detector_api.settings import Settings
from model_serving.breeds import IMAGENET_BREEDS
from model_serving.photos.labels import class_meant

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "detector_api" / "README.md"
TEXT = README.read_text() if README.exists() else ""
SNIPPETS = re.findall(r"```(sh|python|js)\n(.*?)```", TEXT, re.DOTALL)
RUNNERS = {"sh": ["bash", "-eu"], "python": [sys.executable], "js": ["node", "--input-type=module"]}
# What the caller finds in the root's README, too.
ROOT_CALLS = re.findall(r"^curl -F .*$|^curl localhost.*$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, photo: bytes) -> Path:
    """A folder with the files that the snippets send."""
    (tmp_path / "dog.jpg").write_bytes(photo)
    (tmp_path / "notes.txt").write_text("no photo at all")
    return tmp_path


@pytest.fixture
def gateway(serving: Any, start_gateway: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of a gateway that takes feedback, too."""
    return start_gateway(serving_address=serving.address, feedback_folder=tmp_path_factory.mktemp("feedback"))


def run(language: str, code: str, gateway: Any, folder: Path) -> str:
    """Run a snippet against `gateway` and return what it printed; it must succeed."""
    address = f"{gateway.base_url.host}:{gateway.base_url.port}"
    code = re.sub(r"localhost:8080", address, code)
    environment = os.environ | {"DETECTOR_API_KEY": "a-key-that-is-not-asked-for"}
    done = subprocess.run(
        RUNNERS[language], input=code, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("language", "code"), SNIPPETS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(SNIPPETS)])
def test_readme_snippet_runs(require: Any, gateway: Any, folder: Path, language: str, code: str) -> None:
    """Each snippet, typed as it stands, names the breed or the error that it is about."""
    require(shutil.which(RUNNERS[language][0]), RUNNERS[language][0])
    require(language != "sh" or shutil.which("curl"), "curl")
    printed = run(language, code, gateway, folder)
    assert any(told in printed for told in ("Akita", "unsupported_type", '"stored":true'))
    if "notes.txt" in code:
        assert "Akita" in printed
        assert "unsupported_type" in printed


def test_readme_names_breeds_that_the_starter_knows() -> None:
    """Examples name breeds that the starter model knows, as who tries them has no other."""
    named = re.findall(r"[?&]breed=([\w-]+)", TEXT)
    assert named
    assert all(class_meant(breed, IMAGENET_BREEDS) for breed in named)


def test_readme_has_snippets_in_each_language() -> None:
    """There are snippets for the shell, Python and JavaScript."""
    assert {language for language, _ in SNIPPETS} == set(RUNNERS)


@pytest.mark.parametrize("call", ROOT_CALLS)
def test_root_readme_call_is_answered(gateway: Any, folder: Path, call: str) -> None:
    """The calls that the project's README shows are answered."""
    assert "Akita" in run("sh", call, gateway, folder)


def every_error(base: type[errors.GatewayError] = errors.GatewayError) -> Iterator[type[errors.GatewayError]]:
    yield base
    for child in base.__subclasses__():
        yield from every_error(child)


def test_readme_tells_every_error() -> None:
    """The table has each status and code of the gateway, its router and nginx, once, and no other."""
    told = re.findall(r"^\| (\d{3}) \| `(\w+)` \| .+ \|$", TEXT, re.MULTILINE)
    nginx = (REPOSITORY / "detector_app" / "nginx" / "default.conf.template").read_text()
    known = {(str(error.status), error.code) for error in every_error() if hasattr(error, "code")}
    known |= {("404", "not_found"), ("405", "method_not_allowed")}
    known |= {(status, code) for code, status in re.findall(r'"code":"(\w+)".*?"status":(\d+)', nginx)}
    assert sorted(told) == sorted(known)


def setting_rows() -> list[str]:
    """Return the rows that the table of settings must have."""
    return [
        f"| `DETECTOR_{name.upper()}` | {shown(name, field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]


def shown(name: str, default: object) -> str:
    """Return a default as a person reads it."""
    if name == "decode_threads":
        return "the cores"
    if isinstance(default, int) and name.endswith("_bytes"):
        for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
            if default % size == 0:
                return f"{default // size} {unit}"
    if isinstance(default, tuple):
        default = ",".join(default)
    if default is None or default == "":
        return "unset"
    return f"{default:,}" if isinstance(default, int) and default >= 10_000 else f"`{default}`"


def test_readme_tells_every_setting() -> None:
    """The table has each setting's variable, default and description, in their order, and no other."""
    told = [line for line in TEXT.splitlines() if line.startswith("| `DETECTOR_")]
    rows = setting_rows()
    assert not [row for row in rows if row not in told], "these rows are missing"
    assert told == rows
