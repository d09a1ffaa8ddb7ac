"""History of the photos read on this device: kept in this browser alone, and gone when its person says so."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect


def test_read_photos_are_remembered_over_visits(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """The next visit shows what was read, the newest first, with a small picture, and asks no server for it."""
    gateway.replies["b.jpg"] = [gateway.answer("Beagle", 0.3, is_dog=False)]
    gateway.replies["c.jpg"] = [gateway.answer("Pug", 0.3)]
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg")])
    expect(page.locator("#history summary")).to_have_text("Read on this device: one photo")
    page.set_input_files("#photos", [photo("b.jpg")])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 2 photos")
    page.set_input_files("#photos", [photo("c.jpg")])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 3 photos")
    page.reload()
    page.locator("#history summary").click()
    expect(page.locator(".record .headline")).to_have_text(
        ["Perhaps a Pug", "This does not look like a dog.", "Akita (90%)"]
    )
    sizes = "(images) => images.map((image) => [image.naturalWidth, image.naturalHeight])"
    page.wait_for_function("() => [...document.querySelectorAll('.record img')].every(({ complete }) => complete)")
    assert page.locator(".record img").evaluate_all(sizes) == [[320, 240]] * 3
    assert len(gateway.photos) == 3


def test_correct_answer_is_remembered_as_corrected(page: Page, photo: Callable[..., Any]) -> None:
    """A correction takes the place of the answer in the history."""
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    page.get_by_role("button", name="Is it right?").click()
    page.get_by_label("It is really:").fill("Beagle")
    page.get_by_role("button", name="Save").click()
    page.locator("#history summary").click()
    expect(page.locator(".record .headline")).to_have_text(["Beagle"])


def test_clear_history_can_be_undone(page: Page, photo: Callable[..., Any]) -> None:
    """The history is cleared at one press, and back at another; the focus is never lost."""
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg")])
    page.locator("#history summary").click()
    expect(page.locator(".record")).to_have_count(2)
    page.get_by_role("button", name="Clear the history").click()
    expect(page.locator("#history")).to_be_hidden()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".record")).to_have_count(2)
    expect(page.locator("#history summary")).to_be_focused()
    page.get_by_role("button", name="Clear the history").click()
    expect(page.locator("#history")).to_be_hidden()
    page.reload()
    expect(page.locator("#about-model")).not_to_be_empty()
    expect(page.locator("#history")).to_be_hidden()


def test_remove_record_can_be_undone(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """One answer is removed alone; the focus goes on to the next."""
    gateway.replies["b.jpg"] = [gateway.answer("Beagle")]
    page.goto("/")
    for name in ("a.jpg", "b.jpg"):
        page.set_input_files("#photos", [photo(name)])
        expect(page.locator(".card").first.locator(".file")).to_have_text(name)
        expect(page.locator("[data-status=read] .file").first).to_have_text(name)
    page.locator("#history summary").click()
    page.get_by_role("button", name="Remove Beagle (90%)").click()
    expect(page.locator(".record .headline")).to_have_text(["Akita (90%)"])
    expect(page.get_by_role("button", name="Remove Akita (90%)")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".record .headline")).to_have_text(["Beagle (90%)", "Akita (90%)"])


def test_read_photo_without_storage_works(page: Page, photo: Callable[..., Any]) -> None:
    """A browser that keeps nothing for the page reads photos all the same, and shows no history."""
    page.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };")
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=read] .headline")).to_have_text("Akita")
    page.wait_for_timeout(500)  # longer than the history waits before it writes
    expect(page.locator("#history")).to_be_hidden()


def test_remember_many_keeps_the_newest(page: Page) -> None:
    """The history does not grow for ever: of 210 records the oldest ten go."""
    page.goto("/")
    keys = page.evaluate(
        """async () => {
            const { History } = await import("/js/history.js");
            const history = new History();
            const guesses = [{ breed: "Akita", confidence: 1 }];
            const answer = { guesses, isDog: true };
            const others = { answer, thresholds: {}, really: null, preview: null };
            const record = (key) => ({ key: String(key), when: key, ...others });
            await history.put(...Array.from({ length: 210 }, (_, key) => record(key)));
            return (await history.all()).map(({ key }) => Number(key));
        }"""
    )
    assert keys == list(range(209, 9, -1))


def test_read_many_leaves_the_history_on_disk(page: Page, photo: Callable[..., Any]) -> None:
    """While nobody looks at the history, photos that are read bring no earlier record, and no preview, into memory."""
    page.add_init_script(
        """globalThis.fetched = 0;
        const getAll = IDBObjectStore.prototype.getAll;
        IDBObjectStore.prototype.getAll = function (...which) { fetched += 1; return getAll.apply(this, which); };"""
    )
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg", 32, 24) for number in range(8)])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 8 photos")
    assert page.evaluate("fetched") == 0
    page.locator("#history summary").click()
    expect(page.locator(".record")).to_have_count(8)
    assert page.evaluate("fetched") == 1


def test_open_record_shows_its_card_again(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A record of an earlier visit opens as a card with picture, answer and date, and nothing is sent for it."""
    gateway.replies["b.jpg"] = [gateway.answer("Beagle", 0.7)]
    page.goto("/")
    page.set_input_files("#photos", photo("a.jpg"))
    expect(page.locator("#history summary")).to_have_text("Read on this device: one photo")
    page.set_input_files("#photos", photo("b.jpg"))
    expect(page.locator("#history summary")).to_have_text("Read on this device: 2 photos")
    page.reload()
    page.locator("#history summary").click()
    page.locator(".record").get_by_role("button", name="Beagle (70%)", exact=True).press("Enter")
    card = page.locator(".card")
    expect(card).to_be_focused()
    expect(card.locator(".headline")).to_have_text("Beagle")
    expect(card.locator(".remark")).to_have_text("70% sure")
    expect(card.locator(".file")).to_have_text("b.jpg")
    expect(card.locator(".recalled")).to_contain_text("Read on")
    expect(card.locator(".guess")).to_have_count(4)
    page.wait_for_function("() => document.querySelector('.photo img').naturalWidth === 320")
    expect(card.get_by_role("button", name="Show where it looked")).to_be_hidden()  # its photo is not here
    page.locator(".record").get_by_role("button", name="Beagle (70%)", exact=True).click()
    expect(page.locator(".card")).to_have_count(1)
    card.get_by_role("button", name="Is it right?").click()
    page.get_by_role("button", name="It is not a dog").click()
    expect(page.locator(".record .headline")).to_have_text(["Not a dog", "Akita (90%)"])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 2 photos")
    assert len(gateway.photos) == 2


def test_open_record_of_a_photo_that_is_here_goes_to_it(page: Page, photo: Callable[..., Any]) -> None:
    """A record of this visit leads to the card that is there, even where a filter or the table hides it."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(4)])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 4 photos")
    page.locator("#history summary").click()
    page.get_by_role("combobox", name="Show").select_option("not a dog")
    page.get_by_role("button", name="Table").click()
    page.locator(".record .headline").last.click()
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator(".card.open .file")).to_have_text("0.jpg")
    expect(page.locator(".card.open")).to_be_focused()


def test_read_photo_in_another_tab_shows_it_here(page: Page, photo: Callable[..., Any]) -> None:
    """Photos that another tab reads or forgets appear in this one without a reload."""
    page.goto("/")
    other = page.context.new_page()
    other.goto("/")
    other.set_input_files("#photos", [photo("a.jpg")])
    expect(page.locator("#history summary")).to_have_text("Read on this device: one photo")
    page.locator("#history summary").click()
    expect(page.locator(".record .headline")).to_have_text(["Akita (90%)"])
    other.locator("#history summary").click()
    other.get_by_role("button", name="Remove Akita (90%)").click()
    expect(page.locator("#history")).to_be_hidden()


def test_open_record_of_an_earlier_release_shows_it(page: Page) -> None:
    """Records whose answer lay in the record itself are listed and opened as well."""
    page.goto("/")
    page.evaluate(
        """async () => {
            const { History } = await import("/js/history.js");
            const guesses = [{ breed: "Akita", confidence: 0.8 }, { breed: "Pug", confidence: 0.1 }];
            const record = { file: "old.jpg", guesses, isDog: true, sure: 0.5, preview: null };
            await new History().put(
                { ...record, key: "1-1", when: 1, really: null }, { ...record, key: "1-2", when: 2, really: "Beagle" });
        }"""
    )
    page.reload()
    page.locator("#history summary").click()
    expect(page.locator(".record .headline")).to_have_text(["Beagle", "Akita (80%)"])
    page.locator(".record .headline").last.click()
    expect(page.locator(".card .headline")).to_have_text("Akita")
