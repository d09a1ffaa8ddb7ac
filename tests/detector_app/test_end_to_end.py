"""A photo in, a breed out: real browser, nginx, gateway and local server, with the starter model on real photos."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
START_SECONDS = 90


@pytest.fixture(scope="module")
def services(
    starter_model: Path, free_ports: Callable[[int], list[int]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Run local server and gateway as processes of their own; return their HTTP addresses, as nginx wants them."""
    grpc_port, rest_port, gateway_port = free_ports(3)
    server = ["model_serving.server.main", "--host=127.0.0.1", f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
    server += ["--model_name=dog_breed", f"--model_base_path={starter_model}"]
    settings = {"DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{grpc_port}", "DETECTOR_PORT": str(gateway_port)}
    log_path = tmp_path_factory.mktemp("logs") / "services.log"
    with log_path.open("wb") as log, contextlib.ExitStack() as stack:
        for module in (server, ["detector_api"]):
            process = subprocess.Popen(
                [sys.executable, "-m", *module], env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT
            )
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        end = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{gateway_port}/readyz"):
            assert time.monotonic() < end, log_path.read_text()
            time.sleep(0.2)
        yield {"gateway": f"127.0.0.1:{gateway_port}", "serving": f"127.0.0.1:{rest_port}"}


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=5).status_code == 200
    return False


@pytest.fixture
def open_real_page(
    services: dict[str, str], start_nginx: Callable[..., str], open_page: Callable[..., Page]
) -> Callable[..., Page]:
    """Return a function that opens a tab on the page, with nginx before the real services."""
    return lambda **options: open_page(site=start_nginx(**services), **options)


@pytest.mark.parametrize("client", ["", "?client=rest"], ids=["gateway", "rest"])
def test_read_real_photos_gives_their_breeds(
    open_real_page: Callable[..., Page], shared_images: Path, client: str
) -> None:
    """Dogs are named right and a fish is called no dog, by either of the page's clients."""
    page = open_real_page(viewport={"width": 1280, "height": 900})
    page.goto(f"/{client}")
    expected = {
        shared_images / "dogs" / "Brittany_02625.jpg": "Brittany",
        shared_images / "dogs" / "Welsh_springer_spaniel_08203.jpg": "Welsh Springer Spaniel",
        shared_images / "not_dogs" / "n01440764_tench.JPEG": "This does not look like a dog.",
    }
    page.set_input_files("#photos", list(expected))
    for path, headline in expected.items():
        card = page.locator(".card", has=page.get_by_text(path.name, exact=True))
        expect(card.locator(".headline")).to_have_text(headline)
        expect(card.locator(".guess")).to_have_count(5)
        expect(card.locator(".model")).to_contain_text("version 1")


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    [("desktop", {"width": 1280, "height": 900}, "light"), ("phone", {"width": 390, "height": 844}, "dark")],
)
def test_explain_real_photo_shows_where_it_looked(
    open_real_page: Callable[..., Page], shared_images: Path, name: str, viewport: dict[str, int], scheme: str
) -> None:
    """The heat map of the real model covers the photo; a picture of the page is kept where one can look at it.

    In the picture the photos are blurred, as they may not be published.
    """
    page = open_real_page(viewport=viewport, color_scheme=scheme)
    page.goto("/")
    photos = ["Brittany_02625.jpg", "Curly-coated_retriever_03896.jpg", "Labrador_retriever_06457.jpg"]
    page.set_input_files("#photos", [shared_images / "dogs" / photo for photo in photos])
    card = page.locator(".card", has=page.get_by_text(photos[0], exact=True))
    card.get_by_role("button", name="Show where it looked").click()
    expect(card.locator("canvas")).to_be_visible()
    expect(page.locator("[data-status=read]")).to_have_count(len(photos))
    page.evaluate("document.querySelectorAll('.card img').forEach(photo => photo.style.filter = 'blur(9px)')")
    page.evaluate("scrollTo(0, 0)")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"page-{name}-{scheme}.png")
