"""axe-core, which knows the rules of accessible pages, finds nothing: in every state, language, scheme and size."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
NAMES = ["sure.jpg", "perhaps.jpg", "group.jpg", "no-dog.jpg", "damaged.jpg", "slow.jpg", "held.jpg"]


def states(page: Page, gateway: Any, photo: Callable[..., Any]) -> Iterator[str]:
    """Bring the page into one state after the other, and name each."""
    gateway.ready = False
    page.goto("/")
    expect(page.locator("#readiness")).to_be_visible()
    yield "while the model loads"
    gateway.ready = True
    expect(page.locator("#about-model")).not_to_be_empty()
    expect(page.locator("#readiness")).to_be_hidden()
    yield "empty"
    gateway.replies |= {
        "perhaps.jpg": [gateway.answer("Akita", 0.3)],
        "no-dog.jpg": [gateway.answer(is_dog=False)],
        "damaged.jpg": [gateway.problem(422, "damaged_image")],
        "slow.jpg": [gateway.problem(504, "deadline")],
    }
    held = gateway.hold("held.jpg")
    page.set_input_files("#photos", [photo("sure.jpg")])
    expect(page.locator(".card[data-status=read]")).to_have_count(1)
    yield "with one answer"
    page.set_input_files(
        "#photos", [*(photo(name) for name in NAMES), {**photo("notes.txt"), "mimeType": "text/plain"}]
    )
    expect(page.locator(".card[data-status=reading]")).to_have_count(1)
    expect(page.locator(".card[data-status=failed]")).to_have_count(2)
    expect(page.locator("#left-out")).to_be_visible()
    yield "with answers, errors and one being read"
    held.set()
    expect(page.locator(".card[data-status=read]")).to_have_count(6)
    card = page.locator(".card", has=page.locator("[data-do=facts]:visible")).first
    for button in ("explain", "facts", "correct"):
        card.locator(f"[data-do={button}]").click()
    card.locator(".choose input").check()
    expect(card.locator("canvas")).to_be_visible()
    expect(page.locator("#chosen")).to_be_visible()
    yield "with all of a card opened, and a choice"
    page.locator("#history summary").click()
    expect(page.locator(".record").first).to_be_visible()
    page.locator("[data-layout=table]:is(button)").click()
    expect(page.locator("table")).to_be_visible()
    yield "as a table, with the history"
    page.locator("#progress [data-do=clear]").click()
    expect(page.locator("#undo")).to_be_visible()
    yield "cleared"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    open_page: Callable[..., Page], gateway: Any, photo: Callable[..., Any], scheme: str, size: str
) -> None:
    """No rule is broken, contrast of colours included, in any state of the page and any language."""
    page = open_page(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    axe = Axe()
    for state in states(page, gateway, photo):
        for language in ("de", "zh", "en"):
            page.locator(f"#languages [lang={language}]").click()
            expect(page.locator("html")).to_have_attribute("lang", {"zh": "zh-Hans"}.get(language, language))
            results = axe.run(page)
            assert results.violations_count == 0, f"{state}, {language}: {results.generate_report()}"


def test_axe_would_find_a_fault(page: Page) -> None:
    """The check above can fail: a button without a name, and grey words on white, are found."""
    page.goto("/")
    page.evaluate("""() => {
        document.querySelector("[data-choose=photos]").textContent = "";
        document.querySelector(".lead").style.color = "#ccc";
    }""")
    found = {violation["id"] for violation in Axe().run(page).response["violations"]}
    assert found == {"button-name", "color-contrast"}
