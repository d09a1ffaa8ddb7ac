"""The page installed: what is kept on the device, how it opens without a network, and that it is never an old one."""

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

PAGE = Path(__file__).parents[2] / "detector_app" / "page"
KEPT = """async () => {
    const kept = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            kept[new URL(request.url).pathname] = await (await cache.match(request)).text();
        }
    }
    return kept;
}"""


@pytest.fixture
def installed(open_page: Callable[..., Page], eventually: Callable[..., None]) -> Callable[..., Page]:
    """Return a function that opens the page and returns it once its files are kept."""

    def install(site: str | None = None, **options: Any) -> Page:
        options = {"service_workers": "allow"} | options
        page = open_page(site, **options) if site else open_page(**options)
        page.goto("/")
        expect(page.locator("#about-model")).not_to_be_empty()
        wait_until_kept(page, eventually)
        return page

    return install


def wait_until_kept(page: Page, eventually: Callable[..., None]) -> None:
    """Return once every file that the page has loaded is kept."""
    loaded = "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)"
    # The browser asks for its tab's icon by itself, past the service worker and when it likes.
    others = ("/api/", "/v1/", "/readyz", "/favicon.svg")
    own = {path for path in page.evaluate(loaded) if not path.startswith(others)} | {"/"}
    eventually(lambda: own <= page.evaluate(KEPT).keys())


@pytest.mark.parametrize(("locale", "offline"), [("en", "You are offline."), ("de", "Du bist offline.")])
def test_open_page_without_network_says_so_and_goes_on(
    installed: Callable[..., Page], photo: Callable[..., Any], locale: str, offline: str
) -> None:
    """The page opens offline in its language, takes a photo in, says what is missing, and reads it once it is back."""
    page = installed(locale=locale)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#readiness")).to_contain_text(offline)
    expect(page.get_by_role("button", name=re.compile("Choose photos|Fotos wählen"))).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"  # the style sheet is there as well
    page.set_input_files("#photos", [photo()])
    expect(page.locator(".card")).to_have_attribute("data-status", "waiting")
    page.context.set_offline(False)
    expect(page.locator(".headline")).to_have_text("Akita")
    expect(page.locator("#readiness")).to_be_hidden()


def test_open_other_client_without_network_is_the_same_page(installed: Callable[..., Page]) -> None:
    """An address with a query is the same file; the other client is kept as well."""
    page = installed()
    with page.expect_response("**/clients/rest.js"):
        page.goto("/?client=rest")
    expect(page.locator("#about-model")).not_to_be_empty()
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#readiness")).to_contain_text("You are offline.")


def test_switch_to_language_that_is_not_kept_keeps_the_one_before(installed: Callable[..., Page]) -> None:
    """A language that cannot be loaded is a sentence, and the page goes on in the other."""
    page = installed()
    page.context.set_offline(True)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("#left-out")).to_have_text(
        "This language could not be loaded. Please try again once you are connected."
    )
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.context.set_offline(False)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_read_photos_keeps_files_of_the_page_alone(
    installed: Callable[..., Page], photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """After photos and answers, what is kept are the page's own files, byte by byte, and nothing else."""
    page = installed()
    page.reload()  # from here on all goes through the service worker
    with page.expect_response("**/breeds/en.json"):
        page.set_input_files("#photos", [photo()])
    expect(page.locator(".headline")).to_have_text("Akita")
    wait_until_kept(page, eventually)
    kept = page.evaluate(KEPT)
    assert "/breeds/en.json" in kept
    for path, text in kept.items():
        file = PAGE / (path.lstrip("/") or "index.html")
        assert text == file.read_bytes().decode(errors="replace"), path


def test_read_photos_pass_the_service_worker_by(installed: Callable[..., Page], photo: Callable[..., Any]) -> None:
    """Photos go straight to the gateway: each that the service worker is shown would stay in memory while it runs."""
    page = installed()
    worker = page.context.service_workers[0]
    worker.evaluate("self.shown = new Set(); addEventListener('fetch', ({ request }) => shown.add(request.method))")
    page.reload()
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg")])
    expect(page.locator(".headline")).to_have_text(["Akita", "Akita"])
    assert worker.evaluate("[...shown]") == ["GET"]


def test_change_page_is_seen_at_once_and_kept(
    installed: Callable[..., Page], start_nginx: Callable[..., str], gateway: Any, tmp_path: Path, eventually: Any
) -> None:
    """After an update the next visit shows the new page, and so does one without a network; old caches are deleted."""
    copy = tmp_path / "page"
    shutil.copytree(PAGE, copy)
    page = installed(start_nginx(gateway=gateway.address, serving=gateway.address, PAGE_ROOT=str(copy)))
    for name, old, new in [
        ("js/translations/en.js", "What breed is this dog?", "Which breed?"),
        ("sw.js", '"page-1"', '"page-2"'),
    ]:
        file = copy / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    page.reload()
    expect(page.locator("h1")).to_have_text("Which breed?")
    # The browser looks for a new service worker by itself after a visit, in its own time.
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update())")
    eventually(lambda: page.evaluate("caches.keys()") == ["page-2"])
    wait_until_kept(page, eventually)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("h1")).to_have_text("Which breed?")


def test_browser_would_install_the_page(browser: Browser, site: str, tmp_path: Path) -> None:
    """A browser in everyday use, not in private, knows nothing that keeps the page from being installed."""
    # As root, as in a container, there is no other way to start it.
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile", executable_path=shutil.which("chromium"), args=["--no-sandbox"], base_url=site
    )
    page = context.pages[0]
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    faults = context.new_cdp_session(page).send("Page.getInstallabilityErrors")
    context.close()
    assert faults["installabilityErrors"] == []


def test_manifest_names_icons_that_are_there(page: Page, site: str) -> None:
    """The browser finds no fault with the manifest, and each of its icons is there, of the size and type it says."""
    page.goto("/")
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["url"] == f"{site}/manifest.json"
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["name"] == "What breed is this dog?"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"] if "purpose" not in icon}
    assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
    for icon in manifest["icons"]:
        reply = httpx.get(f"{site}/{icon['src']}")
        assert reply.headers["content-type"].split(";")[0] == icon["type"]
        if icon["type"] == "image/png":
            width, height = Image.open(io.BytesIO(reply.content)).size
            assert icon["sizes"] == f"{width}x{height}"
