"""Opening the page: few bytes, nothing that holds the first paint up, nothing that jumps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
DEADLINE_MS = 8_000  # the page waits two seconds
PAINTED = "performance.getEntriesByName('first-contentful-paint').length > 0"
SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            const moved = entry.sources.map(({ node, previousRect: was, currentRect: is }) =>
                `${node?.id || node?.className || node?.nodeName}: ${JSON.stringify(was)} to ${JSON.stringify(is)}`);
            window.shifts.push([entry.value, ...moved]);
        }
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def offered(gateway: Any, runtime: Path) -> str:
    """Have the page offer answers on the device, and return the button's selector: nobody takes more before photos."""
    gateway.on_device = {"url": "/models/dog_breed/3/on_device.tflite", "bytes": 12_821_804, "sha256": "0" * 64}
    return "#on-device"


@pytest.fixture
def open_held(eventually: Callable[..., None]) -> Callable[[Page, str], None]:
    """Return a function that opens the page with some files held back until all else has been painted."""

    def open_page(page: Page, files: str) -> None:
        held: list[Route] | None = []
        page.route(files, lambda route: route.continue_() if held is None else held.append(route))
        page.goto("/", wait_until="commit")
        eventually(lambda: page.evaluate(PAINTED) and bool(held))
        for route in held:
            route.continue_()
        held = None

    return open_page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", ["en", "de", "zh-CN"])
def test_open_page_shifts_nothing(
    open_page: Callable[..., Page], open_held: Callable[[Page, str], None], offered: str, locale: str, size: str
) -> None:
    """Nothing that is seen moves while the page loads, not even when its words come after the first paint."""
    page = open_page(viewport=SIZES[size], locale=locale)
    page.add_init_script(SHIFTS)
    open_held(page, "**/js/translations/*.js")
    expect(page.locator(offered)).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


@pytest.mark.parametrize("locale", ["en", "de", "zh-CN"])
def test_open_page_is_light(
    open_page: Callable[..., Page], offered: str, tmp_path: Path, eventually: Callable[..., None], locale: str
) -> None:
    """All that nginx sends before there are photos, headers and what is kept included, is less than 100 kB."""
    page = open_page(locale=locale, service_workers="allow")
    page.goto("/", wait_until="networkidle")
    expect(page.locator(offered)).to_be_visible()
    eventually(lambda: page.evaluate("caches.open('page-1').then((cache) => cache.match('/js/main.js'))") is not None)
    page.wait_for_timeout(300)
    sent = [json.loads(line) for line in (tmp_path / "nginx.log").read_text().splitlines()]
    assert {"/index.html", "/style.css", "/js/main.js", "/sw.js", "/api/v1/model"} <= {
        request["path"] for request in sent
    }
    assert len({request["path"] for request in sent}) == len(sent)  # nothing is sent twice
    weight = sum(request["bytes_out"] for request in sent)
    print(f"{weight} bytes in {len(sent)} answers")
    assert weight < 100_000


def test_open_page_paints_before_any_script(page: Page, open_held: Callable[[Page, str], None]) -> None:
    """The first paint waits for the page and its style sheet alone: it is there while all scripts are held back."""
    open_held(page, "**/*.js")
    blocking = "performance.getEntriesByType('resource').filter((file) => file.renderBlockingStatus === 'blocking')"
    assert page.evaluate(f"{blocking}.map((file) => new URL(file.name).pathname)") == ["/style.css"]


def test_open_page_without_its_words_shows_english_soon(page: Page) -> None:
    """The page is not empty for long when the language's words do not come."""
    page.add_init_script(
        """globalThis.frames = [];
        const look = () => {
            const lead = document.querySelector(".lead.at-desk");
            if (lead && document.styleSheets.length > 0) frames.push(getComputedStyle(lead).visibility);
            requestAnimationFrame(look);
        };
        requestAnimationFrame(look);"""
    )
    page.route("**/js/translations/*.js", lambda route: None)
    page.goto("/", wait_until="commit")
    page.wait_for_function("() => frames.at(-1) === 'visible'", timeout=DEADLINE_MS)
    assert page.evaluate("frames[0]") == "hidden"
    expect(page.locator(".lead.at-desk")).to_have_text("Choose a photo, or a whole folder, and read the answer.")
