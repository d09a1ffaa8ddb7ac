"""The page's texts: in every language the same, chosen by the browser or by the person."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

PAGE = Path(__file__).parents[2] / "detector_app" / "page"
LANGUAGES = ["en", "de", "zh"]
# How many forms each language has for a number: English "one" and "other", Chinese "other" alone.
PLURALS = {"en": {"one", "other"}, "de": {"one", "other"}, "zh": {"other"}}


@pytest.fixture
def sentences(page: Page) -> dict[str, dict[str, Any]]:
    """Return each language's sentences by key, as the browser reads them."""
    page.goto("/")
    load = "async (code) => (await import(`/js/translations/${code}.js`)).default"
    return {code: page.evaluate(load, code) for code in LANGUAGES}


def forms(sentence: str | dict[str, str]) -> list[str]:
    """Return a sentence's forms, which differ by number."""
    return [sentence] if isinstance(sentence, str) else list(sentence.values())


def placeholders(sentence: str | dict[str, str]) -> set[str]:
    """Return the names of the values that a sentence takes."""
    return {name for form in forms(sentence) for name in re.findall(r"\{(?:a )?(\w+)\}", form)}


# Words for a subject that is no dog; each language puts into a sentence those that it can.
SUBJECT_WORDS = {"one", "many", "kind", "kinds", "Many", "Kind", "Kinds"}


def test_languages_say_all_that_english_says(sentences: dict[str, dict[str, Any]]) -> None:
    """Every language has every sentence, with the same values in it and a form for each number; none is empty."""
    for code, said in sentences.items():
        assert said.keys() == sentences["en"].keys(), code
        for key, sentence in said.items():
            values = placeholders(sentence) - (SUBJECT_WORDS if key.endswith(":named") else set())
            assert values == placeholders(sentences["en"][key]) - SUBJECT_WORDS, (code, key)
            assert all(form.strip() for form in forms(sentence)) or key.startswith("list."), (code, key)
            counted = isinstance(sentences["en"][key], dict)
            assert not counted or set(sentence) == PLURALS[code], (code, key)


def test_languages_translate_all(sentences: dict[str, dict[str, Any]]) -> None:
    """No sentence was left in English, but for words that are the same."""
    for code in ("de", "zh"):
        same = {
            key
            for key, said in sentences[code].items()
            if said == sentences["en"][key] and re.search(r"\w{4}", re.sub(r"\{\w+\}", "", str(said)))
        }
        assert same <= SAME_IN_GERMAN if code == "de" else not same, same


# Words, not sentences.
SAME_IN_GERMAN = {f"group.{name}" for name in ("spaniel", "retriever", "terrier", "spitz")}


def test_languages_have_no_sentence_that_is_never_said(sentences: dict[str, dict[str, Any]]) -> None:
    """Every sentence's key stands in the page or its scripts, or is put together there."""
    sources = [PAGE / "index.html", *(path for path in PAGE.glob("js/**/*.js") if path.parent.name != "words")]
    text = "\n".join(path.read_text() for path in sources)
    keys = {key.removesuffix(":other").removesuffix(":named") for key in sentences["en"]}
    unsaid = [key for key in keys if f'"{key}"' not in text and f"`{key.split('.')[0]}.${{" not in text]
    assert unsaid == []


class TextsOfPage(HTMLParser):
    """Collects each text of a page that a person may meet, with its key or None."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[dict[str, str | None]] = []
        self.texts: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the texts that stand in attributes."""
        given = dict(attrs)
        for attribute in ("aria-label", "title", "placeholder", "alt"):
            if given.get(attribute):
                name = "label" if attribute == "aria-label" else attribute
                self.texts.append((given[attribute] or "", given.get(f"data-say-{name}")))
        if tag == "meta" and given.get("name") == "description":
            self.texts.append((given["content"] or "", given.get("data-say-content")))
        if tag not in ("meta", "link", "img", "input", "br"):
            self.open.append(given | {"tag": tag})

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        assert self.open.pop()["tag"] == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass an element that holds nothing."""

    def handle_data(self, data: str) -> None:
        """Take a text, unless it is only there without scripts or is a language's own name."""
        everywhere = data.strip() in ("CSV", "JSON") or not re.search(r"\w", data)
        if everywhere or any(element["tag"] == "noscript" for element in self.open):
            return
        if not (self.open[-1]["tag"] == "button" and self.open[-1].get("lang")):
            self.texts.append((data.strip(), self.open[-1].get("data-say")))


def test_page_has_no_text_that_is_not_translated(sentences: dict[str, dict[str, Any]]) -> None:
    """Every text of index.html has a key, and is what English says under it."""
    parser = TextsOfPage()
    parser.feed((PAGE / "index.html").read_text())
    assert len(parser.texts) > 10
    for text, key in parser.texts:
        assert key is not None, text
        assert text == sentences["en"][key]


@pytest.mark.parametrize(
    ("locale", "lang", "title", "sure"),
    [
        ("en-GB", "en", "What breed is this dog?", "90% sure"),
        ("de-AT", "de", "Welche Rasse ist dieser Hund?", "Zu 90\u00a0% sicher"),
        ("zh-CN", "zh-Hans", "这只狗是什么品种？", "把握 90%"),
        ("fr-FR", "en", "What breed is this dog?", "90% sure"),
    ],
)
def test_open_page_speaks_the_browsers_language(
    open_page: Callable[..., Page], photo: Callable[..., Any], locale: str, lang: str, title: str, sure: str
) -> None:
    """The page follows the browser's language, numbers as they are written in it, and is English for any other."""
    page = open_page(locale=locale)
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page).to_have_title(title)
    expect(page.locator("h1")).to_have_text(title)
    page.set_input_files("#photos", [photo()])
    expect(page.locator(".remark")).to_have_text(sure)


def test_switch_language_says_all_anew_and_is_remembered(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A switch loses no photo and no answer, reads none again, and holds on the next visit."""
    gateway.replies["a.jpg"] = [gateway.answer("Bloodhound")]
    gateway.replies["b.jpg"] = [gateway.problem(422, "damaged_image")]
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg")])
    expect(page.locator("#progress-text")).to_have_text("1 of 2 read, 1 failed")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("#progress-text")).to_have_text("1 von 2 ausgewertet, 1 fehlgeschlagen")
    expect(page.locator(".headline")).to_have_text(["Bluthund", "Nicht ausgewertet"])
    expect(page.locator(".remark").last).to_contain_text("Dieses Foto ist beschädigt")
    expect(page.get_by_role("button", name="Blick des Modells zeigen")).to_be_visible()
    expect(page.get_by_role("button", name="Stimmt das?")).to_be_visible()
    expect(page.locator("#about-model")).to_contain_text("es kennt 6 Rassen")
    expect(page.get_by_role("button", name="Deutsch")).to_be_focused()
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-pressed", "true")
    assert len(gateway.photos) == 2
    expect(page.locator("#history")).to_contain_text("ein Foto")
    page.reload()
    expect(page.locator("h1")).to_have_text("Welche Rasse ist dieser Hund?")
    page.locator("#history summary").click()
    expect(page.locator(".record .headline")).to_have_text(re.compile("Bluthund"))


def test_open_page_loads_one_language(page: Page, photo: Callable[..., Any]) -> None:
    """Only the language in use is loaded, and the breeds only when there is a photo."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.split("/", 3)[3]))
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    assert [path for path in loaded if "translations/" in path or "breeds/" in path] == ["js/translations/en.js"]
    with page.expect_response("**/breeds/en.json"):
        page.set_input_files("#photos", [photo()])
    assert not [path for path in loaded if re.search(r"/(de|zh)\.js", path)]


MUSHROOMS: dict[str, Any] = {
    "one": "mushroom",
    "many": "mushrooms",
    "class": "species",
    "languages": {"de": {"one": "Pilz", "many": "Pilze", "class": "Art", "classes": "Arten"}},
}
DOG_WORDS = re.compile(r"dog|breed|hund|rasse|狗|犬|品种", re.IGNORECASE)


def texts_of(page: Page) -> str:
    """Return all that a page says, seen or hidden: texts, names of parts, options."""
    texts: str = page.evaluate(
        """() => {
            const names = [...document.querySelectorAll("[aria-label]")].map((element) => element.ariaLabel);
            const options = [...document.querySelectorAll("option")].map(({ text }) => text);
            return [document.title, document.body.innerText, ...names, ...options].join("\\n");
        }"""
    )
    return texts


@pytest.mark.parametrize(
    ("code", "title", "about"),
    [
        ("en", "Which species of mushroom is this?", "version 3 of the model, which knows 2 species."),
        ("de", "Pilze bestimmen", "Version 3 des Modells; es kennt 2 Arten."),
        ("zh", "这张照片里是什么？", "结果来自模型的版本 3，它认识 2 个类别。"),  # the card has no Chinese words
    ],
)
def test_say_nothing_of_dogs_where_the_model_knows_none(
    open_page: Callable[..., Page], gateway: Any, photo: Callable[..., Any], code: str, title: str, about: str
) -> None:
    """No text of the page speaks of a dog or a breed where the card's subject is none, nor is an answer called none."""
    gateway.card |= {"subject": MUSHROOMS, "breeds": ["Fly agaric", "Morel"]}
    gateway.replies["it.jpg"] = [gateway.answer("Morel", 0.9, is_dog=False)]
    page = open_page(locale=code)
    page.goto("/")
    expect(page).to_have_title(title)
    expect(page.locator("#about-model")).to_contain_text(about)
    expect(page.locator(".samples")).to_be_hidden()
    expect(page.locator(".drawing-dog")).to_be_hidden()
    assert not DOG_WORDS.search(texts_of(page))
    page.locator("#which-breeds").click()
    assert not DOG_WORDS.search(texts_of(page))
    page.keyboard.press("Escape")
    page.set_input_files("#photos", [photo("it.jpg"), *(photo(f"{number}.jpg") for number in range(3))])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    expect(page.locator(".card .headline").first).to_have_text("Morel")
    page.locator("[data-do=open]").first.click()
    page.locator("[data-do=facts]").first.click()
    page.locator("[data-do=correct]").first.click()
    page.locator(".choose input").first.check()
    # The other answers are the scripted gateway's Akita and company.
    assert not DOG_WORDS.search(texts_of(page))


def test_title_of_the_last_visit_stands_until_the_model_tells(page: Page, gateway: Any) -> None:
    """A page that was of mushrooms opens as such, before the service is there; where dogs come, it is of dogs again."""
    gateway.card |= {"subject": MUSHROOMS}
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Which species of mushroom is this?")
    gateway.ready = False
    page.reload()
    expect(page.locator("#readiness")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Which species of mushroom is this?")
    gateway.card |= {"subject": {"one": "dog", "many": "dogs", "class": "breed"}}
    gateway.ready = True
    expect(page.locator("h1")).to_have_text("What breed is this dog?")
    expect(page.locator(".samples")).to_be_visible()


def test_names_like_breeds_are_none_where_the_model_knows_no_dogs(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """A class keeps its name and is told no breed's facts; its group is the one that its folder lay in."""
    gateway.card |= {
        "subject": {"one": "garment", "many": "clothes", "class": "kind"},
        "breeds": ["Cardigan", "Pullover", "Boot"],
        "groups": {"Cardigan": "Knitwear", "Pullover": "Knitwear"},
    }
    predictions = [{"breed": "Cardigan", "confidence": 0.48}, {"breed": "Pullover", "confidence": 0.45}]
    gateway.replies["it.jpg"] = [gateway.answer("Cardigan", 0.48, predictions=predictions)]
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Which kind of garment is this?")
    page.set_input_files("#photos", [photo("it.jpg")])
    expect(page.locator(".headline")).to_have_text("Almost surely Knitwear")
    expect(page.locator(".remark")).to_have_text("Cardigan (48%), Pullover (45%)")
    page.locator("[data-do=facts]").click()
    expect(page.locator(".facts")).to_have_text("version 3 of the model", use_inner_text=True)


def test_export_has_no_columns_of_dogs_where_the_model_knows_none(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """Both files of answers call a class a class, and have nothing of dogs."""
    gateway.card |= {"subject": MUSHROOMS}
    page.goto("/")
    expect(page.locator("h1")).to_contain_text("mushroom")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(4)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    for kind in ("csv", "json"):
        with page.expect_download() as started:
            page.locator(f"[data-download={kind}]").click()
        assert started.value.suggested_filename == f"answers.{kind}"
        text = started.value.path().read_text().replace("dog_breed", "the model")
        assert not DOG_WORDS.search(text)
        assert "class" in text
