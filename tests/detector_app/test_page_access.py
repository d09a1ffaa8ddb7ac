"""The page for everyone: small screens, keyboard, screen reader."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_show_page_on_small_screen_fits(
    open_page: Callable[..., Page], gateway: Any, photo: Callable[..., Any], scheme: str
) -> None:
    """At 320 pixels nothing sticks out to the side: not long names, not the tools, the table, a form or the history."""
    page = open_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    gateway.replies["a.jpg"] = [gateway.answer("Extraordinarily" * 9, 0.3)]
    gateway.replies["b.jpg"] = [gateway.problem(504, "deadline")]
    overhang = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    assert page.evaluate(overhang) == 0
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg"), photo(f"{'c' * 120}.jpg")])
    expect(page.locator("#progress-text")).to_have_text("2 of 3 read, 1 failed")
    assert page.evaluate(overhang) == 0
    page.set_input_files("#photos", [photo("d.jpg"), photo("e.jpg")])
    expect(page.locator("#progress-text")).to_have_text("4 of 5 read, 1 failed")
    card = page.locator(".card", has_text="d.jpg")
    for button in ("Details of d.jpg", "Show where it looked", "About this answer", "Is it right?"):
        card.get_by_role("button", name=button).click()
    page.get_by_label("Choose d.jpg").check()
    expect(page.locator(".strength:visible")).to_have_count(1)
    assert page.evaluate(overhang) == 0
    page.locator(".arrange summary").click()
    page.get_by_role("button", name="Table").click()
    page.locator("#history summary").click()
    expect(page.locator(".record")).to_have_count(4)
    page.get_by_role("button", name="Clear the history").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".record")).to_have_count(4)
    assert page.evaluate(overhang) == 0


def test_use_keyboard_alone_reaches_everything(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """All can be done by Tab and Enter, the focus is always visible, and it is never lost."""
    gateway.replies["b.jpg"] = [gateway.problem(504, "deadline"), gateway.answer("Kuvasz")]
    page.goto("/")
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement.labels[0]).outlineWidth") == "3px"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([photo("a.jpg"), photo("b.jpg")])
    expect(page.locator("#progress-text")).to_have_text("1 of 2 read, 1 failed")
    reached = []
    name = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
    expect(page.locator(".frame")).to_be_visible()
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(name))
    assert reached == [
        *("Choose a folder", "Try 1 again", "Clear all", "English", "Deutsch", "中文"),
        *(
            "",
            "Choose a.jpg",
            "New frame",
            "Find all dogs",
            "Show where it looked",
        ),  # first the frame, which has no text
    ]
    for _ in range(6):  # past the rest of this card, and the box to choose the next
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#progress-text")).to_have_text("2 of 2 read")
    # The button is gone, its card has the focus, and the next Tab goes on from there.
    expect(page.locator(".card").nth(1)).to_be_focused()
    expect(page.locator(".frame")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(page.locator(".card").nth(1).locator(".frame")).to_be_focused()


def test_use_tools_by_keyboard_keeps_the_focus(page: Page, photo: Callable[..., Any]) -> None:
    """Layout, choice, union and separation by keys alone leave the focus where it was, or on what came of it."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(4)])
    expect(page.locator("#progress-text")).to_have_text("4 of 4 read")
    page.get_by_role("button", name="Table").press("Enter")
    expect(page.get_by_role("button", name="Table")).to_be_focused()
    for number in (1, 2):
        page.get_by_label(f"Choose {number}.jpg").press("Space")
        expect(page.get_by_label(f"Choose {number}.jpg")).to_be_focused()
    page.get_by_role("button", name="They show one dog").press("Enter")
    expect(page.locator("#rows tr")).to_have_count(3)
    united = page.locator("#rows tr", has_text="1.jpg and one more")
    expect(united).to_be_focused()
    united.get_by_role("button", name="Akita").press("Enter")
    card = page.locator(".card", has_text="1.jpg and one more")
    expect(card).to_be_focused()
    card.get_by_role("button", name="Separate the photos").press("Enter")
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator(".card", has_text="1.jpg")).to_be_focused()
    page.get_by_label("Choose 3.jpg").press("Space")
    page.get_by_role("button", name="Choose none").press("Enter")
    expect(page.locator(".card", has_text="3.jpg")).to_be_focused()


def test_read_photo_announces_answer(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A screen reader is told each answer and each error of a few photos, in a polite live region."""
    gateway.replies["b.jpg"] = [gateway.problem(422, "damaged_image")]
    page.goto("/")
    announcer = page.locator("[aria-live=polite]")
    page.set_input_files("#photos", [photo("a.jpg")])
    expect(announcer).to_have_text("a.jpg: Akita. 90% sure")
    page.set_input_files("#photos", [photo("b.jpg")])
    expect(announcer).to_contain_text("b.jpg: Not read. This photo is damaged")


def test_read_photo_with_reduced_motion_moves_nothing(
    open_page: Callable[..., Page], gateway: Any, photo: Callable[..., Any]
) -> None:
    """A person who asked for less motion sees none, even while a photo is read."""
    page = open_page(reduced_motion="reduce")
    gateway.hold("dog.jpg")
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=reading]")).to_have_count(1)
    assert page.evaluate("document.getAnimations().length") == 0


def test_focus_never_falls_to_the_body(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """The focus goes on to something that is there, whatever a press takes away."""
    gateway.replies["b.jpg"] = [gateway.problem(504, "deadline"), gateway.answer("Kuvasz")]
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()

    def press(name: str, within: str = "body") -> None:
        page.locator(within).get_by_role("button", name=name).first.press("Enter")
        page.wait_for_timeout(100)
        assert page.evaluate("document.activeElement !== document.body"), name

    press("Which breeds?")
    press("Close", "dialog")
    page.set_input_files("#photos", [photo(f"{letter}.jpg") for letter in "abcdef"])
    expect(page.locator("#progress-text")).to_have_text("5 of 6 read, 1 failed")
    press("Try 1 again")
    expect(page.locator("#progress-text")).to_have_text("6 of 6 read")
    press("Details of a.jpg")
    press("Is it right?", ".card.open")
    press("It is not a dog", ".card.open")
    press("Undo", "#undo")
    press("Is it right?", ".card.open")
    press("Close", ".correction")
    press("Show where it looked", ".card.open")
    press("About this answer", ".card.open")
    press("Remove", ".card.open")
    press("Close", "#undo")
    page.get_by_label("Choose c.jpg").press("Space")
    page.get_by_label("Choose d.jpg").press("Space")
    press("They show one dog")
    press("Details of c.jpg")
    press("Separate the photos")
    page.get_by_label("Choose e.jpg").press("Space")
    press("Remove", "#chosen")
    press("Table")
    press("Akita", "#rows")
    page.locator("#history summary").press("Enter")
    expect(page.locator(".record")).to_have_count(6)
    press("Remove", ".record")
    press("Close", "#undo")
    page.locator(".record .headline").last.press("Enter")
    expect(page.locator(".card:focus")).to_have_count(1)
    press("Clear the history")
    press("Close", "#undo")
    press("Clear all")
    press("Close", "#undo")
