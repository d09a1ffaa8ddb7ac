"""Many answers: laid out, sorted, filtered, counted, taken away, and several photos of one dog united."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def answers(page: Page, gateway: Any, photo: Callable[..., Any]) -> Page:
    """Return the page with six photos: two Akitas, a Pug, a dog that is hardly any breed, a cat, and a damaged one."""
    gateway.replies |= {
        "1.jpg": [gateway.answer("Akita", 0.6)],
        "2.jpg": [gateway.answer("Pug", 0.99)],
        "3.jpg": [gateway.answer("Borzoi", 0.2)],
        "10.jpg": [gateway.answer("Akita", 0.8)],
        "cat.jpg": [gateway.answer("Pug", 0.1, is_dog=False)],
        "damaged.jpg": [gateway.problem(422, "damaged_image")],
    }
    page.goto("/")
    page.set_input_files("#photos", [photo(name, 32, 24) for name in gateway.replies])
    expect(page.locator("#progress-text")).to_have_text("5 of 6 read, 1 failed")
    return page


def files(page: Page) -> Locator:
    """Return the file names of the cards that are shown."""
    return page.locator("#cards .file")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest first", ["1", "2", "3", "10", "cat", "damaged"]),
        ("surest first", ["2", "10", "1", "3", "cat", "damaged"]),
        ("least sure first", ["cat", "3", "1", "10", "2", "damaged"]),
        ("breed", ["1", "10", "3", "2", "cat", "damaged"]),
        ("file name", ["1", "2", "3", "10", "cat", "damaged"]),
    ],
)
def test_sort_answers_puts_them_in_order(answers: Page, order: str, expected: list[str]) -> None:
    """Each order is what it says; numbers in names count as numbers, and what has no answer comes last."""
    answers.get_by_role("combobox", name="Sort by").select_option("file name")
    answers.get_by_role("combobox", name="Sort by").select_option(order)
    expect(files(answers)).to_have_text([f"{name}.jpg" for name in expected])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("sure", ["1", "2", "10"]), ("not sure", ["3"]), ("not a dog", ["cat"]), ("not read", ["damaged"])],
)
def test_filter_by_confidence_shows_those_alone(answers: Page, kind: str, expected: list[str]) -> None:
    """Only answers of the chosen kind are shown, and the page says how many of how many."""
    answers.get_by_role("combobox", name="Show").select_option(kind)
    expect(files(answers)).to_have_text([f"{name}.jpg" for name in expected])
    expect(answers.locator(".tools-said")).to_have_text(f"{len(expected)} of 6 shown")
    answers.get_by_role("combobox", name="Show").select_option("all answers")
    expect(answers.locator(".card")).to_have_count(6)


def test_filter_by_breed_counts_each(answers: Page) -> None:
    """The list of breeds tells how many photos show each, what is no dog left out."""
    breeds = answers.locator("#tools [name=breed]")
    expect(breeds.locator("option")).to_have_text(["all 3 breeds", "Akita (2)", "Borzoi (1)", "Pug (1)"])
    breeds.select_option("Akita (2)")
    expect(files(answers)).to_have_text(["1.jpg", "10.jpg"])


def test_correct_answer_moves_it_to_its_breed(answers: Page) -> None:
    """A corrected photo counts as what it really is."""
    card = answers.locator(".card", has_text="3.jpg")
    card.get_by_role("button", name="Details of 3.jpg").click()
    card.get_by_role("button", name="Is it right?").click()
    card.get_by_label("It is really:").fill("Akita")
    card.get_by_role("button", name="Save").click()
    expect(answers.locator("#tools [name=breed]").locator("option")).to_have_text(
        ["all 2 breeds", "Akita (3)", "Pug (1)"]
    )


def test_few_photos_need_no_tools(page: Page, photo: Callable[..., Any]) -> None:
    """Three photos are seen at a glance: the page stays as calm as it was."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(3)])
    expect(page.locator("[data-status=read]")).to_have_count(3)
    expect(page.locator("#tools")).to_be_hidden()


def test_show_table_has_a_row_for_each_and_leads_to_its_card(answers: Page) -> None:
    """The table tells breed, share and file of each photo, and a press on one opens its card."""
    answers.get_by_role("button", name="Table").click()
    expect(answers.get_by_role("button", name="Table")).to_have_attribute("aria-pressed", "true")
    rows = answers.locator("#rows tr")
    expect(rows).to_have_count(6)
    expect(answers.locator("#cards")).to_be_hidden()
    expect(rows.locator(".share")).to_have_text(["60%", "99%", "20%", "80%", "", ""])
    expect(rows.nth(1).locator(".file-name")).to_have_text("2.jpg")
    rows.nth(1).get_by_role("button", name="Pug").press("Enter")
    card = answers.locator(".card", has_text="2.jpg")
    expect(card).to_be_focused()


def test_clear_answers_forgets_how_they_were_looked_at(answers: Page, photo: Callable[..., Any]) -> None:
    """A single photo after many comes as a card again, whatever the many were filtered by."""
    answers.get_by_role("button", name="Table").click()
    answers.get_by_role("combobox", name="Show").select_option("not a dog")
    answers.get_by_role("button", name="Clear all").click()
    answers.set_input_files("#photos", [photo("new.jpg")])
    expect(files(answers)).to_have_text("new.jpg")


def download(page: Page, name: str) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_download_json_has_every_answer(answers: Page) -> None:
    """The file has a record for each photo that is shown, answers as the model gave them."""
    records = json.loads(download(answers, "Download as JSON"))
    assert [record["file"] for record in records] == ["1.jpg", "2.jpg", "3.jpg", "10.jpg", "cat.jpg", "damaged.jpg"]
    assert records[0]["breed"] == "Akita"
    assert records[0]["confidence"] == 0.6
    assert len(records[0]["predictions"]) == 5
    assert records[0]["model"] == {"name": "dog_breed", "version": "3"}
    assert records[4]["is_dog"] is False
    assert (records[5]["status"], records[5]["error"]) == ("failed", "damaged")


def test_download_csv_of_filtered_answers_has_those_alone(answers: Page) -> None:
    """Photos that are filtered away are not in the file either."""
    answers.get_by_role("combobox", name="Show").select_option("not sure")
    (row,) = csv.DictReader(io.StringIO(download(answers, "Download as CSV").removeprefix("\ufeff"), newline=""))
    assert (row["file"], row["breed"], row["confidence"], row["breed_2"]) == ("3.jpg", "Borzoi", "0.2", "Beagle")


@pytest.mark.parametrize("name", ["=HYPERLINK(1).jpg", "+1.jpg", "-1.jpg", "@a.jpg", "\t=1.jpg", "＝1.jpg"])
def test_download_csv_runs_no_formula(page: Page, gateway: Any, photo: Callable[..., Any], name: str) -> None:
    """A file name or a breed that a spreadsheet would run is text in the file, quotes and line breaks too."""
    gateway.replies[name] = [gateway.answer('=cmd|"/c calc"!A1')]
    page.goto("/")
    page.set_input_files("#photos", [photo(name), *(photo(f"{number}.jpg") for number in range(3))])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    row = next(csv.DictReader(io.StringIO(download(page, "Download as CSV").removeprefix("\ufeff"), newline="")))
    assert row["file"] == f"'{name}"
    assert row["breed"] == '\'=cmd|"/c calc"!A1'


def test_unite_photos_of_one_dog_averages_their_answers(answers: Page, gateway: Any) -> None:
    """Two photos of a dog get one card with the mean of their answers, one record each, and can be separated again."""
    answers.get_by_label("Choose 1.jpg").check()
    expect(answers.locator("#chosen p")).to_have_text("Choose more photos of this dog, and they get one answer.")
    expect(answers.get_by_role("button", name="They show one dog")).to_be_disabled()
    answers.get_by_label("Choose 2.jpg").check()
    answers.get_by_role("button", name="They show one dog").click()
    card = answers.locator(".card", has_text="1.jpg and one more")
    # (0.6 + 0) / 2 and (0 + 0.99) / 2
    expect(card.locator(".headline")).to_have_text("Perhaps a Pug")
    expect(card.locator(".remark")).to_have_text("Only 50% sure")
    expect(answers.locator(".card")).to_have_count(5)
    expect(answers.locator("#chosen")).to_be_hidden()
    records = json.loads(download(answers, "Download as JSON"))
    assert [record["file"] for record in records if record["photos_of_this_dog"] == 2] == ["1.jpg", "2.jpg"]
    card.get_by_role("button", name="Details of 1.jpg").click()
    expect(card.locator(".guess-share").nth(0)).to_have_text("30%")
    card.get_by_role("button", name="Separate the photos").click()
    expect(answers.locator(".card")).to_have_count(6)
