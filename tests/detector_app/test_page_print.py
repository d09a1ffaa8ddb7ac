"""The page on paper: the answers alone, each card whole, in light."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

CONTROLS = "button, input, select, label, summary, progress, form"


@pytest.mark.parametrize("count", [1, 6])
def test_print_shows_answers_alone_in_light(
    open_page: Callable[..., Page], photo: Callable[..., Any], count: int
) -> None:
    """Printed from a dark screen, cards are whole on white, with all guesses and without anything to press."""
    page = open_page(color_scheme="dark", viewport={"width": 800, "height": 1000})
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(count)])
    expect(page.locator("[data-status=read]")).to_have_count(count)
    page.pdf()  # what was never opened is made for paper
    page.emulate_media(media="print")
    shown = "(all) => all.filter((one) => one.checkVisibility() && !one.closest('.visually-hidden')).length"
    assert page.locator(CONTROLS).evaluate_all(shown) == 0
    assert page.locator(".card .guess").evaluate_all(shown) == 4 * count
    assert page.locator(".card .headline").evaluate_all(shown) == count
    card = page.locator(".card").first
    style = "(card) => { const { breakInside, color } = getComputedStyle(card); return [breakInside, color]; }"
    assert card.evaluate(style) == ["avoid", "rgb(0, 0, 0)"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    inside = """(cards) => cards.every((card) => {
        const box = card.getBoundingClientRect();
        return [...card.querySelectorAll(".headline, .guess, .bar")].every((part) => {
            const { top, bottom, left, right } = part.getBoundingClientRect();
            return top >= box.top && bottom <= box.bottom && left >= box.left && right <= box.right;
        });
    })"""
    assert page.locator(".card").evaluate_all(inside)


def test_print_table_shows_it_without_boxes_to_choose(page: Page, photo: Callable[..., Any]) -> None:
    """The table is printed as one, without its column of boxes."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(4)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    page.get_by_role("button", name="Table").click()
    page.emulate_media(media="print")
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#rows .choose-cell").first).to_be_hidden()
    expect(page.locator("#rows .headline").first).to_be_visible()
