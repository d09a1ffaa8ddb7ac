"""Digests of base images, looked up in a real registry of this machine's own."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy import image_digests

REPOSITORY = Path(__file__).parents[2]
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def docker(*arguments: str, stdin: bytes = b"") -> str:
    """Return what a command of docker prints."""
    return subprocess.run(["docker", *arguments], input=stdin, capture_output=True, check=True).stdout.decode()


def has_engine() -> bool:
    """Say whether docker has an engine and buildx."""
    try:
        docker("info")
        docker("buildx", "version")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@pytest.fixture(scope="module")
def registry(
    require: Callable[[object, str], None],
    free_ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Return the address of a registry on the loopback address, which ends with the module."""
    program = shutil.which("docker-registry")
    require(program, "Debian's docker-registry")
    require(has_engine(), "a running container engine with buildx")
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("registry")
    config = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n"
    (folder / "config.yml").write_text(config)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([str(program), "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 20
        while "listening on" not in (folder / "log").read_text():
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def push(registry: str) -> Iterator[Callable[[str], str]]:
    """Return a function that pushes an image of one file and gives the digest that the registry answers."""
    pushed = []

    def push_image(version: str) -> str:
        image = f"{registry}/base:{version}"
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(uuid4().hex))
        docker("import", "-", image, stdin=archive.getvalue())
        pushed.append(image)
        docker("push", image)
        answer = httpx.head(f"http://{registry}/v2/base/manifests/{version}", headers={"Accept": MANIFEST})
        return answer.headers["docker-content-digest"]

    yield push_image
    docker("image", "rm", "--force", *pushed)


@pytest.fixture
def root(registry: str, tmp_path: Path) -> Path:
    """Return a folder with a Dockerfile and a compose file that name version 1.0."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "Dockerfile").write_text(f"ARG BASE_IMAGE={registry}/base:1.0\nFROM ${{BASE_IMAGE}}\n")
    text = f'image: {registry}/base:1.0\nimage: dog-breed-detector-serving:1-gpu\nBASE_IMAGE: "{registry}/base:1.0"\n'
    (tmp_path / "docker-compose.yaml").write_text(text)
    return tmp_path


def test_pin_writes_digest_wherever_image_is_named(root: Path, push: Callable[[str], str], registry: str) -> None:
    """Each reference gets the registry's digest, the project's own images none, and a build takes the pinned one."""
    digest = push("1.0")
    image = f"{registry}/base:1.0"
    assert image_digests.pin_images(root, {}) == {image: digest}
    pinned = f"{image}@{digest}"
    assert (root / "page" / "Dockerfile").read_text() == f"ARG BASE_IMAGE={pinned}\nFROM ${{BASE_IMAGE}}\n"
    assert (root / "docker-compose.yaml").read_text() == (
        f'image: {pinned}\nimage: dog-breed-detector-serving:1-gpu\nBASE_IMAGE: "{pinned}"\n'
    )
    docker("buildx", "build", str(root / "page"))


def test_pin_again_moves_version_and_digest(root: Path, push: Callable[[str], str], registry: str) -> None:
    """One command moves both, also where an older digest stands, and a second run with nothing new changes nothing."""
    push("1.0")
    image_digests.pin_images(root, {})
    digest = push("1.1")
    assert image_digests.pin_images(root, {f"{registry}/base:1.0": f"{registry}/base:1.1"}) == {
        f"{registry}/base:1.1": digest
    }
    text = (root / "docker-compose.yaml").read_text()
    assert re.findall(r"base:\S+?@\S+?(?=[\"\n])", text) == [f"base:1.1@{digest}"] * 2
    image_digests.pin_images(root, {})
    assert (root / "docker-compose.yaml").read_text() == text


def test_pin_unknown_version_writes_nothing(root: Path, registry: str) -> None:
    """A version that the registry does not have, or that no file names, leaves every file as it is."""
    before = (root / "docker-compose.yaml").read_text()
    with pytest.raises(subprocess.CalledProcessError):
        image_digests.pin_images(root, {f"{registry}/base:1.0": f"{registry}/base:9.9"})
    with pytest.raises(SystemExit, match=r"no file names other:1\.0"):
        image_digests.pin_images(root, {"other:1.0": "other:1.1"})
    assert (root / "docker-compose.yaml").read_text() == before


def test_named_images_finds_all_of_this_repository() -> None:
    """Every image that the Dockerfiles and compose files start from is one that the command moves."""
    found = {image.rpartition(":")[0] for image in image_digests.named_images(REPOSITORY)}
    assert found == {"python", "nginx", "tensorflow/serving", "prom/prometheus", "grafana/grafana"}
