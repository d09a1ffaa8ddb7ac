"""First use on a slow line: what is seen works, before any script is there, and no click is lost."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

PAGE = Path(__file__).parents[2] / "detector_app" / "page"
# As DevTools' "Slow 3G" was: 400 kbit/s with 400 ms for each way there and back.
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"


def modules_of(module: Path) -> set[Path]:
    """Return a module of the page with all of the page's own that it imports at once, and so on."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        found.add(one := waiting.pop())
        imports = re.findall(r'^(?:import|export) [^;]*?from "(.+?)";', one.read_text(), re.MULTILINE)
        paths = {(one.parent / path).resolve() for path in imports}
        waiting += {path for path in paths - found if path.is_relative_to(PAGE / "js")}
    return found


def test_page_preloads_what_its_script_imports() -> None:
    """index.html names every module that is needed at the start, so that all are asked for together, and no other."""
    text = (PAGE / "index.html").read_text()
    named = [
        *re.findall(r'rel="modulepreload" fetchpriority="low" href="(.+?)"', text),
        *re.findall(r'type="module" src="(.+?)"', text),
    ]
    assert sorted(named) == sorted(str(path.relative_to(PAGE)) for path in modules_of(PAGE / "js" / "main.js"))


def test_page_has_no_module_that_nothing_imports() -> None:
    """Every script of the page is used by another, at the start or on demand."""
    scripts = set((PAGE / "js").rglob("*.js"))
    used = modules_of(PAGE / "js" / "main.js") | set((PAGE / "js" / "translations").glob("*.js"))
    for script in scripts:
        for path in re.findall(r'(?:import|new URL)\("(.+?\.js)"', script.read_text()):
            used |= modules_of((script.parent / path).resolve())
    assert scripts <= used


@pytest.fixture
def held_page(page: Page) -> tuple[Page, Callable[[], None]]:
    """Return a tab whose scripts are all held back, once its button is seen, and a function that lets them go."""
    held: list[Route] | None = []
    page.route("**/*.js", lambda route: route.continue_() if held is None else held.append(route))

    def release() -> None:
        nonlocal held
        waiting, held = held or [], None
        for route in waiting:
            route.continue_()

    page.goto("/", wait_until="commit")
    page.wait_for_function(PAINTED)
    expect(page.get_by_text("Choose photos")).to_be_visible()
    return page, release


@pytest.mark.parametrize("key", [None, "Enter"], ids=["mouse", "keyboard"])
def test_choose_photo_before_any_script_reads_it_when_it_is_there(
    held_page: tuple[Page, Callable[[], None]], photo: Callable[..., Any], key: str | None
) -> None:
    """The button opens the browser's chooser by itself, and what was chosen is read as soon as something can."""
    page, release = held_page
    button = page.locator("label", has=page.locator("#photos"))
    with page.expect_file_chooser() as chooser:
        if key:
            page.keyboard.press("Tab")
            page.keyboard.press(key)
        else:
            button.click()
    chooser.value.set_files([photo("early.jpg")])
    assert page.locator("html[data-unready]").count() == 1
    release()
    expect(page.locator("[data-status=read] .file")).to_have_text("early.jpg")


def test_open_page_shows_nothing_that_only_a_script_makes_work(held_page: tuple[Page, Callable[[], None]]) -> None:
    """Drawings, languages and the hint to drop photos come when they work, at their place."""
    page, release = held_page
    page.wait_for_timeout(2500)  # by then the words are shown in English
    hidden = page.locator(".samples, .languages, .hint .at-desk")
    visible = "(all) => all.filter((element) => getComputedStyle(element).visibility === 'visible').length"
    assert hidden.evaluate_all(visible) == 0
    release()
    expect(page.locator("html[data-unready]")).to_have_count(0)
    page.wait_for_function("() => getComputedStyle(document.querySelector('.samples')).visibility === 'visible'")
    assert hidden.evaluate_all(visible) == 3


def test_first_click_on_slow_3g_is_taken_when_the_button_is_seen(page: Page, photo: Callable[..., Any]) -> None:
    """On a slow line the chooser opens while most of the page is still on its way, and the photo is read."""
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", SLOW_3G)
    page.goto("/", wait_until="commit")
    page.wait_for_function(PAINTED)
    seen = "() => document.querySelector('.intake-text').checkVisibility({ visibilityProperty: true })"
    page.wait_for_function(seen)
    with page.expect_file_chooser() as chooser:
        page.locator("#photos").click(force=True)
    taken = page.evaluate("performance.now()") / 1000
    loaded = len(page.evaluate("performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'))"))
    chooser.value.set_files([photo("slow.jpg")])
    expect(page.locator("[data-status=read] .file")).to_have_text("slow.jpg", timeout=60_000)
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
    print(f"a click was taken after {taken:.1f} s, with {loaded} scripts there; all was there after {ready:.1f} s")
