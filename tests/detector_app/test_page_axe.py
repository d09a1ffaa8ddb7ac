"""axe-core, which knows the rules of accessible pages, finds nothing: in every state, language, scheme and size."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    open_page: Callable[..., Page],
    states: Callable[[Page], Iterator[str]],
    switch: Callable[[Page, str], None],
    scheme: str,
    size: str,
) -> None:
    """No rule is broken, contrast of colours included, in any state of the page and any language."""
    page = open_page(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    axe = Axe()
    for state in states(page):
        for language in ("de", "zh", "en"):
            switch(page, language)
            results = axe.run(page)
            assert results.violations_count == 0, f"{state}, {language}: {results.generate_report()}"


def test_axe_would_find_a_fault(page: Page) -> None:
    """The check above can fail: a button without a name, and grey words on white, are found."""
    page.goto("/")
    page.locator("#which-breeds").wait_for()  # shown once the model is known; a hidden button needs no name
    page.evaluate("""() => {
        document.querySelector("#which-breeds").textContent = "";
        document.querySelector(".lead").style.color = "#ccc";
    }""")
    found = {violation["id"] for violation in Axe().run(page).response["violations"]}
    assert found == {"button-name", "color-contrast"}
