"""Several dogs on one photo: tabs of one card, rows of exports, and one line of the history."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

BOXES = [[0.0, 0.25, 0.25, 0.5], [0.75, 0.25, 0.25, 0.5]]


def dog(breed: str, confidence: float, box: list[float]) -> dict[str, Any]:
    """Return a dog as the gateway tells it."""
    predictions = [{"breed": name, "confidence": share} for name, share in [(breed, confidence), ("Kuvasz", 0.05)]]
    return {"box": box, "breed": breed, "confidence": confidence, "dog_probability": 0.9, "predictions": predictions}


@pytest.fixture
def find_two(gateway: Any, photo: Callable[..., Any]) -> Callable[[Page], None]:
    """Return a function that reads a photo, red at its left and blue at its right, and finds an Akita and a Beagle."""

    def find(page: Page) -> None:
        two = [dog("Akita", 0.9, BOXES[0]), dog("Beagle", 0.8, BOXES[1])]
        gateway.replies["dog.jpg"] = [
            gateway.answer(box=[0.25, 0, 0.5, 1], search="not_needed"),
            gateway.answer(box=BOXES[0], search="done", dogs=two),
            gateway.answer("Saluki", 0.7),
        ]
        page.goto("/")
        page.set_input_files("#photos", [photo(width=800, height=400)])
        page.get_by_role("button", name="Find all dogs").click()
        expect(page.get_by_role("tab")).to_have_count(2)

    return find


def test_find_all_dogs_shows_each_in_its_tab(page: Page, gateway: Any, find_two: Callable[[Page], None]) -> None:
    """Each dog that was found has a frame and a tab of one colour, and the card shows the one that is chosen."""
    find_two(page)
    assert [query["find"] for query in gateway.queries] == ["auto", "all"]
    tabs, panel = page.get_by_role("tab"), page.get_by_role("tabpanel")
    expect(page.get_by_role("tablist", name="Dogs on this photo")).to_be_visible()
    expect(tabs).to_have_text(["1Akita", "2Beagle"])
    expect(panel).to_have_accessible_name("1 Akita")
    colours = "(elements) => elements.map((element) => getComputedStyle(element).backgroundColor)"
    assert page.locator(".frame-number").evaluate_all(colours) == page.locator(".dog-number").evaluate_all(colours)
    page.locator(".frame").nth(1).click()
    expect(panel.locator(".headline")).to_have_text("Beagle")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    page.mouse.move(0, 0)
    tabs.nth(1).focus()
    for key, breed in [("ArrowRight", "Akita"), ("ArrowLeft", "Beagle"), ("Home", "Akita"), ("End", "Beagle")]:
        page.keyboard.press(key)
        expect(panel.locator(".headline")).to_have_text(breed)
        expect(tabs.filter(has_text=breed)).to_be_focused()
    expect(page.locator("[aria-live=polite]")).to_have_text("dog.jpg: Akita (90%), Beagle (80%). 2 dogs on this photo")


def test_find_no_other_dog_keeps_the_answer(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A search that finds no other dog says so, and the answer stays as it was."""
    gateway.replies["dog.jpg"] = [
        gateway.answer(box=[0.25, 0, 0.5, 1], search="not_needed"),
        gateway.answer("Kuvasz", box=BOXES[0], search="done", dogs=[dog("Kuvasz", 0.9, BOXES[0])]),
    ]
    page.goto("/")
    page.set_input_files("#photos", [photo(width=800, height=400)])
    page.get_by_role("button", name="Find all dogs").click()
    expect(page.locator(".frame-said")).to_have_text("No other dog was found. You can draw a frame round one.")
    expect(page.locator(".headline")).to_have_text("Akita")


def test_explain_second_dog_looks_at_its_part(page: Page, gateway: Any, find_two: Callable[[Page], None]) -> None:
    """Each dog's map lies in its own frame, and is taken away with its tab."""
    find_two(page)
    page.get_by_role("tab", name="Beagle").click()
    page.get_by_role("button", name="Show where it looked").click()
    canvas = page.locator(".photo canvas")
    expect(canvas).to_be_visible()
    alpha = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3]"
    assert canvas.evaluate(alpha, [246, 46]) > 150  # 320 x 160
    assert canvas.evaluate(alpha, [6, 46]) == 0
    sent = Image.open(io.BytesIO(gateway.photos[-1][1])).convert("RGB").resize((1, 1))
    red, _, blue = sent.getpixel((0, 0))  # type: ignore[misc]
    assert blue > red
    page.get_by_role("tab", name="Akita").click()
    expect(canvas).to_be_hidden()


def test_remove_frame_leaves_the_other_dog(page: Page, find_two: Callable[[Page], None]) -> None:
    """A frame that is wrong goes, and with it its tab; the other dog's answer is the photo's."""
    find_two(page)
    page.locator(".frame").first.press("Delete")
    expect(page.get_by_role("tab")).to_have_count(0)
    expect(page.get_by_role("tabpanel")).to_have_count(0)
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(page.locator(".frame")).to_be_focused()


def test_read_part_anew_changes_that_dog_alone(page: Page, find_two: Callable[[Page], None]) -> None:
    """A frame that was moved gives its dog another answer; the other keeps its own."""
    find_two(page)
    page.locator(".frame").nth(1).press("ArrowUp")
    page.get_by_role("button", name="Read this part").click()
    expect(page.get_by_role("tab")).to_have_text(["1Akita", "2Saluki"])
    expect(page.locator(".headline")).to_have_text("Saluki")


def test_correct_second_dog_sends_its_part(page: Page, gateway: Any, find_two: Callable[[Page], None]) -> None:
    """A correction is noted for the dog that is shown, and only the part that shows it goes to the service."""
    gateway.feedback = True
    find_two(page)
    page.get_by_role("tab", name="Beagle").click()
    page.get_by_role("button", name="Is it right?").click()
    page.get_by_label("It is really:").fill("Briard")
    page.get_by_label("The photo may be kept, to train the model").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("tab")).to_have_text(["1Akita", "2Briard"])
    ((query, _, kept),) = gateway.corrections
    assert query["breed"] == "Briard"
    red, _, blue = Image.open(io.BytesIO(kept)).convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert blue > red
    page.get_by_role("tab", name="Akita").click()
    expect(page.locator(".really")).to_have_text("")


def test_export_has_a_row_for_each_dog(
    open_page: Callable[..., Page], find_two: Callable[[Page], None], photo: Callable[..., Any]
) -> None:
    """CSV and JSON name every dog of a photo in a row of its own, with its part of the photo."""
    page = open_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    find_two(page)
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(3)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    rows = {}
    for name in ("JSON", "CSV"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download as {name}").click()
        rows[name] = Path(download.value.path()).read_text("utf-8-sig")
    told = [row for row in json.loads(rows["JSON"]) if row["file"] == "dog.jpg"]
    assert [(row["breed"], row["dog"], row["dogs_on_this_photo"], row["box"]) for row in told] == [
        ("Akita", 1, 2, BOXES[0]),
        ("Beagle", 2, 2, BOXES[1]),
    ]
    table = [row for row in csv.DictReader(io.StringIO(rows["CSV"])) if row["file"] == "dog.jpg"]
    assert [(row["breed"], row["box_left"], row["box_height"]) for row in table] == [
        ("Akita", "0", "0.5"),
        ("Beagle", "0.75", "0.5"),
    ]


def test_table_filter_and_history_name_each_dog(
    page: Page, find_two: Callable[[Page], None], photo: Callable[..., Any]
) -> None:
    """The table's row and the history's record name all dogs, and the filter finds the photo by each."""
    find_two(page)
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(3)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    page.get_by_role("button", name="Table").click()
    row = page.locator("#rows tr", has_text="dog.jpg")
    expect(row.locator(".headline")).to_have_text("Akita (90%), Beagle (80%)")
    expect(row.locator(".remark")).to_have_text("2 dogs on this photo")
    breeds = page.locator("[name=breed] option").all_text_contents()
    assert breeds[1:] == ["Akita (4)", "Beagle (1)"]
    page.select_option("[name=breed]", "Beagle")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("#history summary").click()
    expect(page.locator(".record .headline").last).to_have_text("Akita (90%), Beagle (80%)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_frames(
    open_page: Callable[..., Page],
    find_two: Callable[[Page], None],
    switch: Callable[[Page, str], None],
    width: int,
    scheme: str,
) -> None:
    """Frames and tabs break no rule, in any language, and nothing sticks out to the side."""
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    find_two(page)
    page.locator(".frame").nth(1).press("ArrowUp")
    for language, name in [("de", "Rahmen 2: Beagle"), ("zh", "框 2：比格犬"), ("en", "Frame 2: Beagle")]:
        switch(page, language)
        expect(page.locator(".frame").nth(1)).to_have_attribute("aria-label", name)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{language}: {results.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate("document.getAnimations().length") == 0
