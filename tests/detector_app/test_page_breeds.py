"""What the page knows of breeds: every dog breed that a model of this project may name, in each language."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from model_serving.breeds import IMAGENET_BREEDS
from model_serving.photos.labels import readable

BREEDS = Path(__file__).parents[2] / "detector_app" / "page" / "breeds"
TABLE = Path(__file__).parents[2] / "model_serving" / "photos" / "breeds.json"
KNOWN: dict[str, dict[str, Any]] = json.loads(TABLE.read_text())
LANGUAGES = ["en", "de", "zh"]

# Udacity's dogImages that ImageNet does not know; the others are among ImageNet's.
UDACITY = """
Akita, American foxhound, American water spaniel, Anatolian shepherd dog, Australian cattle dog, Australian shepherd,
Bearded collie, Beauceron, Belgian tervuren, Bichon frise, Black russian terrier, Boykin spaniel, Bull terrier, Bulldog,
Canaan dog, Cane corso, Chinese crested, Chinese shar-pei, Dachshund, Dogue de bordeaux, English cocker spaniel,
English toy spaniel, Field spaniel, Finnish spitz, German pinscher, German wirehaired pointer, Glen of imaal terrier,
Greyhound, Havanese, Icelandic sheepdog, Irish red and white setter, Lowchen, Manchester terrier, Mastiff,
Neapolitan mastiff, Norwegian buhund, Norwegian lundehund, Nova scotia duck tolling retriever, Parson russell terrier,
Petit basset griffon vendeen, Pharaoh hound, Plott, Pointer, Poodle, Portuguese water dog, Smooth fox terrier,
Wirehaired pointing griffon
"""
FAMILIES = {"belgian", "collie", "coonhound", "corgi", "schnauzer", "sennenhund"}  # of breeds within groups
UDACITY_BREEDS = UDACITY.replace("\n", " ").strip().split(", ")


def texts(code: str) -> dict[str, list[str]]:
    """Return each breed's name and sentence in a language."""
    return json.loads((BREEDS / f"{code}.json").read_text())


@pytest.fixture
def facts_of(page: Page) -> Any:
    """Return a function that gives what the page knows of breeds in a language, through its own module."""
    page.goto("/")
    ask = """async ([code, names]) => {
        const { speak } = await import("/js/language.js");
        const { factsOf, loadBreeds } = await import("/js/breeds.js");
        await speak(code);
        await loadBreeds();
        return names.map(factsOf);
    }"""
    return lambda code, names: page.evaluate(ask, [code, list(names)])


@pytest.mark.parametrize("code", LANGUAGES)
def test_know_every_breed_of_the_models(facts_of: Any, page: Page, code: str) -> None:
    """Each breed of ImageNet and of Udacity has a name, a group and size of the lists, and a sentence."""
    names = [*IMAGENET_BREEDS, *UDACITY_BREEDS]
    said = page.evaluate("import('/js/translations/en.js').then((words) => Object.keys(words.default))")
    words = {kind: {key.split(".")[1] for key in said if key.startswith(kind)} for kind in ("group.", "size.")}
    known = dict(zip(names, facts_of(code, names), strict=True))
    assert [name for name, facts in known.items() if facts is None] == []
    assert {facts["group"] for facts in known.values()} | FAMILIES == words["group."]
    assert {facts["size"] for facts in known.values()} == words["size."]
    assert all(facts["name"].strip() and facts["sentence"].strip() for facts in known.values())
    if code == "en":
        assert [name for name in IMAGENET_BREEDS if known[name]["name"] != name] == []
        assert [name for name in UDACITY_BREEDS if known[name]["name"].casefold() != name.casefold()] == []


def test_page_has_the_one_table_of_breeds() -> None:
    """The page's copy is the table that the trainer reads; `make breeds` writes it."""
    assert (BREEDS / "breeds.json").read_text() == TABLE.read_text()


def test_know_every_breed_of_udacitys_list() -> None:
    """The list above, with ImageNet's, is all of Udacity's 133 breeds, where their list is at hand."""
    listed = Path(__file__).parents[3] / "shared" / "images" / "udacity_133_breeds.txt"
    if not listed.exists():
        pytest.skip("needs the list of Udacity's breeds in ../shared")
    breeds = {readable(line) for line in listed.read_text().splitlines()}
    assert len(breeds) == 133
    assert breeds <= {*IMAGENET_BREEDS, *map(readable, UDACITY_BREEDS)}


@pytest.mark.parametrize("code", LANGUAGES)
def test_files_hold_the_same_breeds_and_nothing_twice(code: str) -> None:
    """Each language tells of the same breeds, and no name and no sentence stands for two of them."""
    said = texts(code)
    assert said.keys() == KNOWN.keys()
    for part in zip(*said.values(), strict=True):
        assert [text for text, number in Counter(part).items() if number > 1] == []


def test_find_breed_in_other_spellings(facts_of: Any) -> None:
    """Names of class folders and other spellings mean the breed that the model's code takes them for."""
    spellings = {other: breed for breed, facts in KNOWN.items() for other in (breed, *facts.get("also", ()))}
    spellings |= {"002.Afghan_hound": "Afghan Hound", "n02085620-Chihuahua": "Chihuahua", "SHIH-TZU": "Shih Tzu"}
    found = facts_of("en", spellings)
    assert [facts and facts["name"] for facts in found] == list(spellings.values())


def test_same_breed_is_found_by_any_of_its_names(facts_of: Any, page: Page) -> None:
    """A correction finds the model's class by whatever name a person writes, and no other class."""
    facts_of("en", [])  # loads the table
    same = "([one, other]) => import('/js/breeds.js').then(({ sameBreed }) => sameBreed(one, other))"
    assert page.evaluate(same, ["Soft-coated Wheaten Terrier", "wheaten_terrier"])
    assert page.evaluate(same, ["Tabby cat", "tabby-cat"])
    assert not page.evaluate(same, ["Tabby cat", "Persian"])
    assert not page.evaluate(same, ["Toy Poodle", "Miniature Poodle"])


@pytest.mark.parametrize("name", ["Tabby cat", "constructor", "__proto__", "", "42", "<b>Akita</b>"])
def test_find_class_that_is_no_breed_gives_nothing(facts_of: Any, page: Page, name: str) -> None:
    """For a class of the user's own there is null, and its name stays as the model says it."""
    assert facts_of("de", [name]) == [None]
    assert page.evaluate("(name) => import('/js/breeds.js').then(({ nameOf }) => nameOf(name))", name) == name
