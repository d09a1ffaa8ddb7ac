"""Fixtures that many tests share: the real photos, the starter model, and the rule that CI skips nothing it can run."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).parent.parent
SHARED_IMAGES = REPOSITORY.parent / "shared" / "images"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the product's commands have it
os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # the tests' own servers, whatever proxy the machine has


# What makes a test need more than Python: `make check` leaves such tests out.
MODEL_FIXTURES = {"starter_model", "shared_images", "browser", "nginx", "registry", "stack"}
MODEL_PACKAGES = (
    *("tensorflow", "keras", "local_server.", "tests.real_serving", "benchmarks", "ray"),
    *(f"model_serving.{part}" for part in ("backbones", "training", "savedmodel", "distributed")),
)

# The group of the tests that use the container engine.
CONTAINERS = "containers"

# Programs that tests run, and the Debian package of each.
PROGRAMS = {
    "chromium": "chromium",
    "curl": "curl",
    "docker": "docker.io",
    "nginx": "nginx-light",
    "node": "nodejs",
    "openssl": "openssl",
    "prometheus": "prometheus",
}

# How many calls of the gateway are generated: `make check` makes do with the first few of the same ones.
settings.register_profile("thorough", max_examples=150)
settings.register_profile("quick", max_examples=30)
settings.load_profile("thorough")


def pytest_report_header() -> list[str]:
    """Say at the start which programs are missing, and how to get them."""
    missing = {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if not missing:
        return []
    install = f"apt-get install {' '.join(missing.values())}"
    return [f"missing here, so that tests are skipped: {', '.join(missing)} (on Debian: {install})"]


@pytest.hookimpl(tryfirst=True)  # xdist's own hook reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a model, by the fixtures that they use and by the imports of their module.

    Tests of one file run in one process, and all tests that use the container engine in one: they share what is built,
    and no image is removed while another is built. Those come first, and those of the wheel, as they take longest.
    """
    for item in items:
        assert isinstance(item, pytest.Function)
        used = vars(item.module).values()
        modules = {str(getattr(value, "__module__", None) or getattr(value, "__name__", "")) for value in used}
        if MODEL_FIXTURES & set(item.fixturenames) or any(name.startswith(MODEL_PACKAGES) for name in modules):
            item.add_marker("model")
        part = item.path.relative_to(REPOSITORY / "tests")
        uses_engine = part.parts[0] == "stack" or part.stem == "test_image_digests"
        item.add_marker(pytest.mark.xdist_group(CONTAINERS if uses_engine else str(part)))
    items.sort(
        key=lambda item: (item.get_closest_marker("xdist_group").args != (CONTAINERS,), item.path.stem != "test_wheel")
    )


def require(condition: object, what: str) -> None:
    """Skip the test if `what` it needs is not on this machine; on CI that is a failure instead."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must provide {what}")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="session", name="require")
def _require() -> Callable[[object, str], None]:
    """Return `require`: a test module cannot import from here."""
    return require


@pytest.fixture(scope="session")
def shared_images() -> Path:
    """Return the folder of real photos, which the repository must not contain."""
    require(SHARED_IMAGES.is_dir(), f"the folder of real photos {SHARED_IMAGES}")
    return SHARED_IMAGES


@pytest.fixture(scope="session")
def starter_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a freshly exported starter model, with version 1."""
    from model_serving.backbones import load_backbone
    from model_serving.savedmodel.export import export_imagenet_head

    model = tmp_path_factory.mktemp("models") / "dog_breed"
    export_imagenet_head(model, load_backbone("efficientnet_lite2"))
    return model


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    """Return a function that gives so many different ports of the loopback address that nothing listens on."""

    def find(count: int) -> list[int]:
        with contextlib.ExitStack() as stack:
            probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
            return [probe.getsockname()[1] for probe in probes]

    return find


@pytest.fixture
def scripted() -> Iterator[Any]:
    """A gateway that plays what a good one seldom does, on a real socket."""
    from tests.scripted_gateway import scripted_gateway

    with scripted_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser, one a file: while Playwright's loop runs, tests of asyncio cannot start theirs in the process."""
    from playwright.sync_api import sync_playwright

    # The same engine without the windows that nobody sees, which take two thirds of its processor time.
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    require(chromium, "Debian's chromium-headless-shell or chromium")
    flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    flags += " --disable-component-update --disable-sync"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=flags.split())
        yield launched
        launched.close()
