"""It is really a …: mistakes corrected, and given to the service only if it takes them and the person agrees."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def form(page: Page, gateway: Any, photo: Callable[..., Any]) -> Callable[..., Locator]:
    """Return a function that has a photo read and opens its form, with the service's feedback on or off."""

    def open_form(feedback: bool, query: str = "") -> Locator:
        gateway.feedback = feedback
        page.goto(f"/{query}")
        page.set_input_files("#photos", [photo()])
        page.get_by_role("button", name="Is it right?").click()
        return page.locator(".correction")

    return open_form


def test_correct_answer_with_consent_gives_photo_to_service(
    page: Page, gateway: Any, form: Callable[..., Locator]
) -> None:
    """A correction goes out with the photo, in the model's spelling, once the person has agreed."""
    opened = form(feedback=True)
    breed = opened.get_by_label("It is really:")
    expect(breed).to_be_focused()
    breed.fill("beagle ")
    opened.get_by_label("The photo may be kept, to train the model").check()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".really")).to_have_text("You said so. Thank you, the photo will help to train the model.")
    expect(page.get_by_role("button", name="Is it right?")).to_be_focused()
    ((query, name, photo),) = gateway.corrections
    assert query == {"breed": "Beagle", "keep": "true"}
    assert (name, photo) == gateway.photos[0]


@pytest.mark.parametrize("feedback", [True, False])
def test_correct_answer_without_consent_keeps_it_here(
    page: Page, gateway: Any, form: Callable[..., Locator], feedback: bool
) -> None:
    """Without consent, or where the service keeps no photos, the correction is noted on this page alone."""
    opened = form(feedback)
    expect(opened.get_by_role("checkbox")).to_be_visible(visible=feedback)
    expect(opened.get_by_text("This is noted on this device alone.")).to_be_visible(visible=not feedback)
    opened.get_by_label("It is really:").fill("Beagle")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(page.locator(".remark")).to_have_text("The model says: Akita (90%)")
    assert gateway.corrections == []


def test_correct_answer_by_rest_client_keeps_it_here(page: Page, gateway: Any, form: Callable[..., Locator]) -> None:
    """TensorFlow Serving takes no corrections."""
    opened = form(feedback=True, query="?client=rest")
    expect(opened.get_by_role("checkbox")).to_be_hidden()


def test_correct_answer_with_unknown_breed_says_why_it_cannot_train(
    page: Page, gateway: Any, form: Callable[..., Locator]
) -> None:
    """A breed that the model does not know cannot train it; what was typed stays, and Escape leaves the form."""
    opened = form(feedback=True)
    breed = opened.get_by_label("It is really:")
    breed.fill("Unicorn")
    opened.get_by_role("checkbox").check()
    breed.press("Enter")
    expect(opened.get_by_role("status")).to_contain_text("The model does not know this breed")
    expect(breed).to_be_focused()
    expect(breed).to_have_value("Unicorn")
    assert page.locator("#breeds option").evaluate_all("(options) => options.map(({ value }) => value)")[:2] == [
        "Akita",
        "Beagle",
    ]
    breed.press("Escape")
    expect(opened).to_have_count(0)
    expect(page.get_by_role("button", name="Is it right?")).to_be_focused()
    assert gateway.corrections == []


def test_correct_answer_with_unknown_breed_notes_it_here(
    page: Page, gateway: Any, form: Callable[..., Locator]
) -> None:
    """Without consent, a breed that the model does not know is noted as it was typed."""
    opened = form(feedback=True)
    opened.get_by_label("It is really:").fill(" Unicorn ")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".headline")).to_have_text("Unicorn")
    assert gateway.corrections == []


@pytest.mark.parametrize(
    ("button", "headline", "really"),
    [
        ("Yes, it is right", "Akita", "You said that it is right."),
        ("It is not a dog", "Not a dog", "You said so."),
    ],
)
def test_correct_answer_by_one_press(
    page: Page, form: Callable[..., Locator], button: str, headline: str, really: str
) -> None:
    """One press says that an answer is right, or that the photo shows no dog."""
    form(feedback=False).get_by_role("button", name=button).click()
    expect(page.locator(".headline")).to_have_text(headline)
    expect(page.locator(".really")).to_have_text(really)


def test_correct_answer_to_a_mix_names_both_breeds(page: Page, form: Callable[..., Locator]) -> None:
    """A dog of two breeds is a mix of them."""
    opened = form(feedback=False)
    opened.get_by_label("It is really:").fill("akita")
    opened.get_by_label("If it is a mix, also of:").fill("Pug")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".headline")).to_have_text("A mix of Akita and Pug")


def test_open_correction_is_the_only_form(page: Page, photo: Callable[..., Any], form: Callable[..., Locator]) -> None:
    """There is a form only where one is open, however many cards there are."""
    opened = form(feedback=False)
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(5)])
    expect(page.locator("[data-status=read]")).to_have_count(6)
    expect(page.locator("form")).to_have_count(1)
    opened.get_by_role("button", name="Close").click()
    expect(page.locator("form")).to_have_count(0)


def test_correct_answer_of_refusing_service_says_why(page: Page, gateway: Any, form: Callable[..., Locator]) -> None:
    """If the service cannot take the photo, the form says so and loses nothing."""
    gateway.refusal = gateway.problem(504, "deadline")
    opened = form(feedback=True)
    opened.get_by_label("It is really:").fill("Beagle")
    opened.get_by_role("checkbox").check()
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_role("status")).to_have_text("The answer took too long. Please try again.")
    gateway.refusal = None
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    assert len(gateway.corrections) == 1


def test_correct_answer_can_be_undone(page: Page, form: Callable[..., Locator]) -> None:
    """A correction is taken back at one press, and the focus goes to the card."""
    opened = form(feedback=False)
    opened.get_by_label("It is really:").fill("Beagle")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(page.locator("#undo [role=status]")).to_have_text("Your correction was noted.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".headline")).to_have_text("Akita")
    expect(page.locator(".really")).to_be_empty()
    expect(page.locator(".card")).to_be_focused()


def test_forget_correction_brings_the_answer_back(page: Page, form: Callable[..., Locator]) -> None:
    """A correction can be forgotten later, too, and that can be undone."""
    form(feedback=False).get_by_role("button", name="It is not a dog").click()
    expect(page.locator(".headline")).to_have_text("Not a dog")
    page.locator("#undo").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Is it right?").click()
    page.get_by_role("button", name="Forget what I said").click()
    expect(page.locator(".headline")).to_have_text("Akita")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".headline")).to_have_text("Not a dog")


def test_correct_answer_that_was_sent_offers_no_undo(page: Page, form: Callable[..., Locator]) -> None:
    """A photo that the service has cannot be taken back from here, and nothing claims that it can."""
    opened = form(feedback=True)
    opened.get_by_label("It is really:").fill("Beagle")
    opened.get_by_role("checkbox").check()
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".really")).to_contain_text("Thank you")
    expect(page.locator("#undo")).to_be_hidden()
    page.get_by_role("button", name="Is it right?").click()
    expect(page.get_by_role("button", name="Forget what I said")).to_be_hidden()


@pytest.mark.parametrize("reply", ["group", "no dog"])
def test_say_it_is_right_gives_no_breed_that_was_not_said(
    page: Page, gateway: Any, form: Callable[..., Locator], reply: str
) -> None:
    """Agreement with "a hound" or "no dog" teaches no breed, though the person agreed to give photos."""
    hounds = [{"breed": name, "confidence": 0.3} for name in ("Beagle", "Bloodhound", "Basset Hound")]
    gateway.replies["dog.jpg"] = [
        gateway.answer(predictions=hounds) if reply == "group" else gateway.answer(is_dog=False)
    ]
    opened = form(feedback=True)
    opened.get_by_role("checkbox").check()
    headline = page.locator(".headline").text_content()
    opened.get_by_role("button", name="Yes, it is right").click()
    expect(page.locator(".really")).to_have_text("You said that it is right.")
    expect(page.locator(".headline")).to_have_text(headline or "")
    assert gateway.corrections == []


def test_corrected_row_of_the_table_shows_no_share(
    page: Page, form: Callable[..., Locator], photo: Callable[..., Any]
) -> None:
    """Beside what the person said stands no number, which would be the model's."""
    opened = form(feedback=False)
    opened.get_by_label("It is really:").fill("Beagle")
    opened.get_by_role("button", name="Save").click()
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(3)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    page.get_by_role("button", name="Table").click()
    corrected = page.locator("#rows tr", has_text="The model says: Akita (90%)")
    expect(corrected.locator("td.share")).to_be_empty()
    expect(corrected.locator(".second")).to_be_empty()
    expect(page.locator("#rows .second", has_text="Beagle")).to_have_count(3)
