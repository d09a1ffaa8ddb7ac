"""Subject of a model: what its classes are, in words that page, command and report speak with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from model_serving.errors import SubjectError
from model_serving.photos.labels import breed_named

_LANGUAGE = re.compile(r"^([a-z]{2,3}):")
# Longer words would not fit the page's title.
_LONGEST = 40
_SAME_PLURAL = ("series", "species")


@dataclass(frozen=True)
class SubjectWords:
    """Words of one language: for one cat, for many, for a class of them (breed), and for several classes."""

    one: str
    many: str
    kind: str
    kinds: str

    def count(self, classes: int) -> str:
        """Return so many classes in words, such as `12 breeds`."""
        return f"{classes} {self.kind if classes == 1 else self.kinds}"

    def to_values(self) -> dict[str, Any]:
        """Return the JSON object of a model card."""
        return {"one": self.one, "many": self.many, "class": self.kind, "classes": self.kinds}


@dataclass(frozen=True)
class Subject(SubjectWords):
    """English words, and those of other languages by their code, such as `de`."""

    languages: Mapping[str, SubjectWords] = field(default_factory=dict)

    @property
    def is_dogs(self) -> bool:
        """Tell whether the classes are of dogs: what is known of dogs, and "not a dog", holds for these alone."""
        return self.one == "dog"

    def to_values(self) -> dict[str, Any]:
        """Return the JSON object of a model card."""
        languages = {code: words.to_values() for code, words in self.languages.items()}
        return super().to_values() | ({"languages": languages} if languages else {})

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Subject:
        """Return what the JSON object of a model card says, which may be without the plural of the class."""
        languages = values.get("languages") or {}
        return cls(
            **_values(values, "en"),
            languages={code: SubjectWords(**_values(languages[code], code)) for code in languages},
        )

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Subject | None:
        """Return the subject that texts such as `cat/cats/breed` and `de:Katze/Katzen/Rasse` say, None without any.

        A fourth word is the class's plural, if it is not formed as usual. Raises `SubjectError`.
        """
        said: dict[str, SubjectWords] = {}
        for text in texts:
            code = match[1] if (match := _LANGUAGE.match(text)) else "en"
            if code in said:
                raise SubjectError(f"The subject has two sets of words in the language {code!r}. Give one.")
            said[code] = _parse(text, _LANGUAGE.sub("", text), code)
        if not said:
            return None
        if (english := said.pop("en", None)) is None:
            raise SubjectError("The subject has no English words. Give them as well, such as --subject cat/cats/breed.")
        return cls(english.one, english.many, english.kind, english.kinds, said)

    @classmethod
    def of_classes(cls, names: Collection[str]) -> Subject:
        """Return dogs where half of the class names or more are breeds, and else photos of classes."""
        return DOGS if 2 * sum(breed_named(name) is not None for name in names) >= len(names) else PHOTOS


def _parse(text: str, words: str, code: str) -> SubjectWords:
    parts = [" ".join(part.split()) for part in words.split("/")]
    if len(parts) not in (3, 4) or not all(part.isprintable() and 0 < len(part) <= _LONGEST for part in parts):
        raise SubjectError(
            f"{text!r} is no subject. Give the words for one, for many and for a class, such as cat/cats/breed "
            "or de:Katze/Katzen/Rasse."
        )
    one, many, kind = parts[:3]
    return SubjectWords(one, many, kind, parts[3] if len(parts) == 4 else plural(kind, code))


def _values(values: Mapping[str, Any], code: str) -> dict[str, str]:
    kind = values["class"]
    return {
        "one": values["one"],
        "many": values["many"],
        "kind": kind,
        "kinds": values.get("classes") or plural(kind, code),
    }


def plural(word: str, code: str) -> str:
    """Return the usual plural of a word for a class in English and German; other languages keep the word."""
    if code == "de":
        return word + ("n" if word.endswith("e") else "en")
    if code != "en" or word.endswith(_SAME_PLURAL):
        return word
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


DOGS = Subject("dog", "dogs", "breed", "breeds")
PHOTOS = Subject("photo", "photos", "class", "classes")
