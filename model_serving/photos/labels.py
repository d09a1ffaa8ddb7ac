"""Labels of photos: how many an answer names, and the names of one breed that different people use.

`breeds.json` is the one table of names: the breed clubs' usual one, `also` others' for the same breed (ImageNet's,
Stanford Dogs', Udacity's, Oxford-IIIT's, Kaggle's, encyclopedias'), and `loosely` names that other breeds
share. The page has a copy, `detector_app/page/breeds/breeds.json`, written by `make breeds`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

# An answer names this many classes, the likeliest first.
TOP_K = 5

# Numbers of Udacity's and Stanford's class folders, as in `001.Affenpinscher` and `n02085620-Chihuahua`.
_NUMBER = re.compile(r"^\d+\.(?=\D)|^n\d{8}-")


def label_key(name: str) -> str:
    """Reduce a class name to what its spellings share: letters and digits in lower case, without a folder's number.

    A name of other characters alone, such as emoji, is its own key.
    """
    name = unicodedata.normalize("NFC", _NUMBER.sub("", name.strip())).casefold()
    return re.sub(r"[\W_]+", "", name) or name


BREEDS: dict[str, dict[str, Any]] = json.loads(
    files(__package__).joinpath("breeds.json").read_text(encoding="utf-8"),
)
_BY_KEY = {label_key(name): breed for breed, facts in BREEDS.items() for name in (breed, *facts.get("also", ()))}
_LOOSELY: dict[str, list[str]] = {}
for _breed, _facts in BREEDS.items():
    for _name in _facts.get("loosely", ()):
        _LOOSELY.setdefault(label_key(_name), []).append(_breed)


def plain_name(label: str) -> str:
    """Return the words of a class folder's name: `001.My_own_mix` is `My own mix`."""
    name = unicodedata.normalize("NFC", _NUMBER.sub("", label.strip())).replace("_", " ")
    name = " ".join(name.split())
    return name[:1].upper() + name[1:]


def readable(label: str) -> str:
    """Return the usual name of the breed that a label means in any spelling, or its own words if it means none."""
    return breed_named(label) or plain_name(label)


def readable_classes(labels: Iterable[str]) -> dict[str, str]:
    """Return the readable name of each label of one data set.

    Unless half of them or more are breeds, none is taken for one: a cardigan among clothes is no Cardigan Welsh Corgi.
    """
    labels = set(labels)
    breeds = sum(breed_named(label) is not None for label in labels)
    return {label: (readable if 2 * breeds >= len(labels) else plain_name)(label) for label in labels}


def breed_named(label: str) -> str | None:
    """Return the breed of the table that a label means in any spelling, None if there is none, or several."""
    return _BY_KEY.get(label_key(label))


def possible_breeds(label: str) -> list[str]:
    """Return the breeds that an ambiguous label may mean, such as `setter`; none if it is not ambiguous."""
    return _LOOSELY.get(label_key(label), [])


def class_meant(label: str, classes: Sequence[str]) -> str | None:
    """Return the class of a model that a label means, in any spelling, None if there is none.

    A breed that the model knows only as a part of another is that one: an English Cocker Spaniel is a Cocker Spaniel to
    a model without English ones. The reverse is never guessed: see `possible_breeds`.
    """
    by_key = {label_key(name): name for name in classes}
    if (same := by_key.get(label_key(label))) or (breed := breed_named(label)) is None:
        return same
    by_breed = {known: name for name in classes if (known := breed_named(name))}
    return by_breed.get(breed) or next(
        (by_breed[wider] for name in BREEDS[breed].get("loosely", ()) if (wider := breed_named(name)) in by_breed), None
    )
