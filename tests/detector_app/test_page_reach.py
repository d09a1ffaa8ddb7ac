"""Nothing out of reach: by keyboard alone, on the narrowest screen, and with letters of twice the size."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Words that are cut off: where a box hides what it cannot hold. A file's name alone may end in an ellipsis.
CUT = """[...document.querySelectorAll("button, select, label, h1, h2, p, summary, th, td")]
    .filter((element) => element.checkVisibility() && !element.closest(".visually-hidden"))
    .filter((element) => getComputedStyle(element).clipPath !== "inset(50%)") // said to screen readers alone
    .filter((element) => getComputedStyle(element).overflowX !== "visible")
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120))"""
REACHABLE = """() => {
    const found = [...document.querySelectorAll("button, input, select, summary, a[href], [tabindex]")]
        .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility());
    found.forEach((element, number) => { element.dataset.number = number; });
    return found.length;
}"""
# The focused element's number, whether a line of three pixels shows it, and what lies over its middle, if anything.
FOCUSED = """() => {
    const element = document.activeElement;
    const ring = getComputedStyle(element);
    const { x, y, width, height } = element.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    const covered = !(element.contains(top) || top?.contains(element) || element.labels?.[0]?.contains(top));
    const line = ring.outlineStyle + " " + ring.outlineWidth;
    return [element.dataset.number ?? element.outerHTML, line, covered ? top?.outerHTML : null];
}"""


def test_narrow_screen_needs_no_sideways_scrolling(
    open_page: Callable[..., Page], states: Callable[[Page], Iterator[str]], switch: Callable[[Page, str], None]
) -> None:
    """In every state and language all fits a screen of 320 pixels, as it must to be read at 400 %."""
    page = open_page(viewport={"width": 320, "height": 640})
    for state in states(page):
        for language in ("de", "zh", "en"):
            switch(page, language)
            assert page.evaluate(OVERHANG) == 0, (state, language)
            assert page.evaluate(CUT) == [], (state, language)


def test_letters_of_twice_the_size_fit(
    open_page: Callable[..., Page], states: Callable[[Page], Iterator[str]], switch: Callable[[Page, str], None]
) -> None:
    """A browser set to letters of 200 % loses no words and need not scroll sideways."""
    page = open_page(viewport={"width": 640, "height": 900})
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    for state in states(page):
        assert page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
        for language in ("de", "zh", "en"):
            switch(page, language)
            assert page.evaluate(OVERHANG) == 0, (state, language)
            assert page.evaluate(CUT) == [], (state, language)


@pytest.mark.parametrize("width", [320, 1280])
def test_tab_reaches_everything_in_order(
    open_page: Callable[..., Page], states: Callable[[Page], Iterator[str]], width: int
) -> None:
    """In every state Tab goes through all that can be used, in the order of the page, and the focus is always seen."""
    page = open_page(viewport={"width": width, "height": 800})
    for state in states(page):
        page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); window.scrollTo(0, 0)")
        page.locator("body").evaluate(
            "(body) => { body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex'); }"
        )
        number = page.evaluate(REACHABLE)
        for expected in range(number):
            page.keyboard.press("Tab")
            reached, ring, covered_by = page.evaluate(FOCUSED)
            assert (reached, ring, covered_by) == (str(expected), "solid 3px", None), state
        for expected in reversed(range(number - 1)):
            page.keyboard.press("Shift+Tab")
            assert page.evaluate(FOCUSED)[0] == str(expected), state
