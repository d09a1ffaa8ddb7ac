"""The words for what a model's classes are: from the command line to the card and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dog_breed.command import main
from model_serving.errors import SubjectError
from model_serving.savedmodel.card import ModelCard
from model_serving.subject import DOGS, PHOTOS, Subject, plural


def test_subject_is_read_in_several_languages_and_kept_by_the_card() -> None:
    """Words of the command line stand in the card's JSON as clients read them, and come back as they were."""
    subject = Subject.parse(["wild  cat/wild cats/breed", "de:Wildkatze/Wildkatzen/Rasse", "zh:野猫/野猫/品种"])
    assert subject is not None
    card = ModelCard("trained", "tiny", 8, 1.0, ("Lynx", "Manul"), False, subject=subject, groups={"Lynx": "Big"})
    values = json.loads(card.to_json())
    assert values["groups"] == {"Lynx": "Big"}
    assert values["subject"] == {
        "one": "wild cat",
        "many": "wild cats",
        "class": "breed",
        "classes": "breeds",
        "languages": {
            "de": {"one": "Wildkatze", "many": "Wildkatzen", "class": "Rasse", "classes": "Rassen"},
            "zh": {"one": "野猫", "many": "野猫", "class": "品种", "classes": "品种"},
        },
    }
    assert ModelCard.from_json(card.to_json()) == card
    assert not subject.is_dogs


def test_card_without_a_subject_is_of_dogs() -> None:
    """A card of an older release says nothing of its classes, which were dogs; one may leave out the plural."""
    card = ModelCard("imagenet", "tiny", 8, 1.0, ("Akita", "Beagle"), True)
    values = json.loads(card.to_json())
    del values["subject"], values["groups"]
    assert ModelCard.from_json(json.dumps(values)) == card
    assert card.subject == DOGS
    values["subject"] = {"one": "cat", "many": "cats", "class": "breed"}
    assert ModelCard.from_json(json.dumps(values)).subject.count(12) == "12 breeds"


@pytest.mark.parametrize(
    "texts",
    [
        ["cat"],
        ["cat/cats"],
        ["cat/cats/breed/breeds/more"],
        ["cat//breed"],
        ["cat/cats/\x1b[2J"],
        [f"{'c' * 41}/cats/breed"],
        ["de:Katze/Katzen/Rasse"],
        ["cat/cats/breed", "dog/dogs/breed"],
    ],
)
def test_train_refuses_words_that_are_no_subject(
    texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words that are missing, given twice or no text are told in one line before any photo is looked for."""
    with pytest.raises(SubjectError):
        Subject.parse(texts)
    options = [argument for text in texts for argument in ("--subject", text)]
    with pytest.raises(SystemExit, match="subject"):
        main(["train", str(tmp_path / "nothing"), *options])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("code", "word", "several"),
    [
        ("en", "breed", "breeds"),
        ("en", "species", "species"),
        ("en", "variety", "varieties"),
        ("en", "class", "classes"),
        ("de", "Art", "Arten"),
        ("de", "Sorte", "Sorten"),
        ("fr", "race", "race"),
    ],
)
def test_plural_is_formed_as_usual(code: str, word: str, several: str) -> None:
    """The usual words for a class have their plural in English and German; others say it as a fourth word."""
    assert plural(word, code) == several
    given = Subject.parse([f"fungus/fungi/{word}/many {word}"])
    assert given is not None
    assert (given.count(1), given.count(2)) == (f"1 {word}", f"2 many {word}")


def test_subject_of_classes_is_dogs_if_half_are_breeds() -> None:
    """Names of breeds are of dogs; a cardigan among clothes makes them no dogs."""
    assert Subject.of_classes(["beagle", "n02085620-Chihuahua", "my own mix"]) == DOGS
    assert Subject.of_classes(["cardigan", "coat", "shoe"]) == PHOTOS
