"""Names of dog breeds: the usual one, other spellings, and the classes of ImageNet that show dogs.

`breeds.json` is the one table. The page has a copy, `detector_app/page/breeds/breeds.json`, written by `make breeds`.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files

from model_serving.photos.labels import label_key

# Classes of ImageNet's 1,000 that are domestic dogs. ImageNet's own names are partly unusual ("Blenheim spaniel",
# "Mexican hairless"): they stand in the table as further spellings.
IMAGENET_DOGS = slice(151, 269)

_TABLE = json.loads(files(__package__).joinpath("breeds.json").read_text(encoding="utf-8"))
_BY_KEY = {label_key(name): breed for breed, facts in _TABLE.items() for name in (breed, *facts.get("also", ()))}
_BY_CLASS = {facts["imagenet"]: breed for breed, facts in _TABLE.items() if "imagenet" in facts}

IMAGENET_BREEDS: tuple[str, ...] = tuple(_BY_CLASS[number] for number in range(IMAGENET_DOGS.start, IMAGENET_DOGS.stop))


def readable(folder: str) -> str:
    """Return the breed that a class folder means: `001.Affenpinscher` and `german_shepherd_dog` become readable names.

    A breed of the table gets its usual name, whatever its spelling; any other class keeps its own words.
    """
    name = re.sub(r"^\d+\.|^n\d{8}-", "", folder).replace("_", " ").strip()
    return _BY_KEY.get(label_key(name)) or (name[:1].upper() + name[1:])


def same_breed(one: str, other: str) -> bool:
    """Tell whether two names, in any spelling, mean the same breed."""
    return label_key(readable(one)) == label_key(readable(other))
