"""The runtime for answers on the device: the one that is named, whole, or none at all."""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from detector_app import runtime as module
from detector_app.runtime import BUILDS, RuntimeUnavailableError, fetch, is_there, unpack


@pytest.fixture
def play_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that puts a program in npm's place, or nothing."""

    def play(script: str | None) -> None:
        programs = tmp_path / "programs"
        programs.mkdir()
        if script is not None:
            (programs / "npm").write_text(f"#!/bin/sh\n{script}\n")
            (programs / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin" if script else str(programs))
        monkeypatch.setattr(sys, "executable", str(programs / "python"))

    return play


def test_fetched_runtime_is_what_the_package_has(runtime: Path) -> None:
    """Each build is there with its loader as a module, and is as large and has the hash that the page is told."""
    assert is_there(runtime)
    about = json.loads((runtime / "about.json").read_text())
    assert tuple(about["builds"]) == BUILDS
    for build, said in about["builds"].items():
        wasm = (runtime / f"{build}.wasm").read_bytes()
        assert said == {"bytes": len(wasm), "sha256": hashlib.sha256(wasm).hexdigest()}
        assert (runtime / f"{build}.js").read_text().endswith("export default ModuleFactory;\n")
    assert json.loads((runtime / "package.json").read_text())["license"] == "Apache-2.0"


def test_fetch_what_is_there_asks_nobody(runtime: Path, play_npm) -> None:
    """With the runtime there, npm is not needed."""
    play_npm(None)
    fetch(runtime)


def test_fetch_without_npm_says_how_to_get_it(tmp_path: Path, play_npm) -> None:
    """On a machine without npm there is a sentence that helps, and no folder."""
    play_npm(None)
    with pytest.raises(RuntimeUnavailableError, match=r"Install Node\.js"):
        fetch(tmp_path / "page" / "runtime")
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(
    ("script", "why"),
    [("exit 1", "Is there a network"), ("echo other > litertjs-core-2.5.3.tgz", "not what was published")],
)
def test_fetch_that_fails_keeps_what_was_there(tmp_path: Path, play_npm, script: str, why: str) -> None:
    """A package that does not come, or is another one, leaves the folder as it was and nothing beside it."""
    folder = tmp_path / "page" / "runtime"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text('{"integrity": "sha512-of-an-older-one"}')
    play_npm(script)
    with pytest.raises(RuntimeUnavailableError, match=why):
        fetch(folder)
    assert [path.name for path in folder.iterdir()] == ["about.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"page", "programs"}


def test_unpack_core_of_another_shape_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that loads WebAssembly in another way than the page's module replaces is refused."""
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package/dist/index.js"), io.BytesIO())
    monkeypatch.setattr(module, "INTEGRITY", module.integrity_of(package.getvalue()))
    with pytest.raises(RuntimeUnavailableError, match="does not import its loader"):
        unpack(package.getvalue(), tmp_path)
